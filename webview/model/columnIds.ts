/** Columns of the layer table in their order. */
export const columnIds = [
  "index",
  "name",
  "op",
  "shape",
  "params",
  "macs",
  "sigma",
  "weightKl",
  "sensitivity",
  "weightBits",
  "activationBits",
  "bytes",
  "latency",
  "energy",
  "share",
] as const;
export type ColumnId = (typeof columnIds)[number];

export function isColumnId(value: unknown): value is ColumnId {
  return columnIds.some((id) => id === value);
}
