const ESCAPED = /[\\^$.*+?()[\]{}|/]/;

/** The expression that a glob stands for: `*` is anything but a slash, `**` anything, `?` one character but a slash. */
function expression(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i];
    if (char === '*' && glob[i + 1] === '*') {
      // "a/**/b" fits "a/b", too.
      const isFolder = glob[i + 2] === '/' && (i === 0 || glob[i - 1] === '/');
      source += isFolder ? '(?:.*/)?' : '.*';
      i += isFolder ? 2 : 1;
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else source += ESCAPED.test(char) ? `\\${char}` : char;
  }
  return new RegExp(`^${source}$`, 'su');
}

/** Says whether a key fits a glob. */
export function globMatcher(glob: string): (key: string) => boolean {
  const fits = expression(glob);
  return (key) => fits.test(key);
}

/** What every key that fits a glob begins with. */
export const globPrefix = (glob: string): string => /^[^*?]*/.exec(glob)![0];
