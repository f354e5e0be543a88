/** Maps a directory to another one. Both are absolute, without a slash at the end. */
export type PathRule = readonly [from: string, to: string];

/** Returns whether a path is the directory `from` or lies below it. */
export const isWithin = (path: string, from: string): boolean =>
  path === from || (path.startsWith(from) && (from === "/" || path[from.length] === "/"));

/** Returns a function that maps a path by the rule with the longest match; of equal ones the first. */
export function pathMapper(rules: readonly PathRule[]): (path: string) => string {
  const sorted = [...rules].sort((a, b) => b[0].length - a[0].length);
  return (path) => {
    const rule = sorted.find(([from]) => isWithin(path, from));
    if (!rule) return path;
    const [from, to] = rule;
    return (to + path.slice(from === "/" ? 0 : from.length)).replace(/^\/\//, "/");
  };
}
