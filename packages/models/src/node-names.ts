/**
 * A name for a value that a file format needs beside a node, such as the target
 * shape of a reshape: `<node>/<suffix>`, made longer where a node has that name.
 *
 * @param taken the graph's own names
 */
export function helperName(taken: { has(name: string): boolean }, node: string, suffix: string): string {
  let name = `${node}/${suffix}`;
  while (taken.has(name)) name += '_';
  return name;
}
