import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';

/** A setting that is a list of integers, or undefined where it is not given. */
export function integersOf(node: NodeDef, setting: string): readonly number[] | undefined {
  const value = node.attr[setting]?.value;
  return value?.$case === 'list' ? value.value.i : undefined;
}

/** A setting that is one integer. */
export function integerOf(node: NodeDef, setting: string, fallback: number): number {
  const value = node.attr[setting]?.value;
  return value?.$case === 'i' ? value.value : fallback;
}

/** A setting that is a number. */
export function floatOf(node: NodeDef, setting: string, fallback: number): number {
  const value = node.attr[setting]?.value;
  return value?.$case === 'f' ? value.value : fallback;
}

/** A setting that is a word, `SAME`. */
export function textOf(node: NodeDef, setting: string, fallback: string): string {
  const value = node.attr[setting]?.value;
  return value?.$case === 's' ? new TextDecoder().decode(value.value) : fallback;
}

/** A setting that is true or false. */
export function isTrue(node: NodeDef, setting: string, fallback = false): boolean {
  const value = node.attr[setting]?.value;
  return value?.$case === 'b' ? value.value : fallback;
}
