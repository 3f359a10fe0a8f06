import * as z from 'zod';
import { didYouMean } from '../core/problem.ts';
import type { Notice } from '../schemas/notice.ts';

const WORDS: Readonly<Record<string, (notice: Notice) => string>> = {
  name: ({ name }) => name,
  run: ({ run }) => run ?? '',
  event: ({ event }) => event,
  title: ({ title }) => title,
  text: ({ text }) => text,
};
const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;
const FACT = /^facts\.([\w.-]+)$/;

/** A text with places such as {{title}} and {{facts.failed}}. What is wrong with it is found when it is read; the text is not repeated. */
export const TemplateText = z.string().superRefine((text, context) => {
  const unknown = [...text.matchAll(PLACE)].map(([, word]) => word).find((word) => !Object.hasOwn(WORDS, word) && !FACT.test(word));
  if (unknown !== undefined)
    context.addIssue(`a word in {{ }} is not known. ${didYouMean(unknown, [...Object.keys(WORDS), 'facts.NAME'])}`);
  else if (text.replaceAll(PLACE, '').includes('{{')) context.addIssue('a "{{" is not closed by "}}"');
});

/** The text with every place filled; a fact that the notice has not is nothing. */
export function fill(text: string, notice: Notice): string {
  return text.replaceAll(PLACE, (_, word: string) => {
    const fact = FACT.exec(word)?.[1];
    if (fact === undefined) return WORDS[word](notice);
    return Object.hasOwn(notice.facts, fact) ? String(notice.facts[fact]) : '';
  });
}
