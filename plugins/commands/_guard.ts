import { type ChildProcess, spawn } from 'node:child_process';

/** Keeps the last line that it reads; when its input ends, it kills that process group and removes that folder. */
const SCRIPT = `while read -r group folder; do g=$group d=$folder; done
[ -z "$g" ] || kill -s KILL -- "-$g"
[ -z "$d" ] || rm -rf -- "$d"`;

let guard: ChildProcess | undefined;

function tell(line: string): void {
  if (guard === undefined) {
    guard = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    guard.on('error', () => {});
    guard.stdin!.on('error', () => {});
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
  }
  guard.stdin!.write(`${line}\n`);
}

/** Should this process die, by whatever means, the program (leader of a process group) and its folder go with it. One program at a time. */
export const watchOver = (group: number, folder: string): void => tell(`${group} ${folder}`);

/** The program has ended, and its folder is no one's concern. */
export const letGo = (): void => tell('');
