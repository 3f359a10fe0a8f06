import './run-commands.ts';
import './schedule-commands.ts';
import './watch-commands.ts';
import './tool-commands.ts';

/** With every command, in the order of the help. */
export { program } from './program.ts';
