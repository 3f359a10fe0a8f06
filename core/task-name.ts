import type { PlannedTask } from '../schemas/plan.ts';

/** How people name a task: its step and its cell, such as "select (seed=0 k=32)". */
export const taskName = ({ step, label }: Pick<PlannedTask, 'step' | 'label'>): string => (label === '' ? step : `${step} (${label})`);
