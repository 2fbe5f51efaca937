import { describe, expect, it } from "vitest";
import {
  channelView,
  checkedView,
  forEachRow,
  forEachScaleRun,
  gatherRow,
  scatterRow,
} from "../../../src/core/quant/channelView.ts";

describe("a channel view", () => {
  it("finds the axis from either end", () => {
    expect(channelView([2, 3, 4, 5], 1)).toEqual({ outer: 2, channels: 3, inner: 20 });
    expect(channelView([2, 3, 4, 5], -1)).toEqual({ outer: 24, channels: 5, inner: 1 });
    expect(channelView([2, 3, 4, 5], -4)).toEqual(channelView([2, 3, 4, 5], 0));
  });

  it("makes one channel of a scalar", () => {
    expect(channelView([], 0)).toEqual({ outer: 1, channels: 1, inner: 1 });
  });

  it.each([4, -5, 0.5, Number.NaN])("refuses axis %d of four", (axis) => {
    expect(() => channelView([2, 3, 4, 5], axis)).toThrow(expect.objectContaining({ code: "SQ9101" }));
  });

  it("refuses data that do not fill the shape", () => {
    expect(() => checkedView(5, [2, 3], 0)).toThrow(expect.objectContaining({ code: "SQ9102" }));
  });
});

/** Rows by the definition: element (o, c, i) is at (o * channels + c) * inner + i. */
function rowsByDefinition(data: Float32Array, shape: readonly number[], axis: number): number[][] {
  const { outer, channels, inner } = channelView(shape, axis);
  return Array.from({ length: channels }, (_, c) =>
    Array.from(
      { length: outer * inner },
      (_, k) => data[(Math.floor(k / inner) * channels + c) * inner + (k % inner)] as number,
    ),
  );
}

describe("rows", () => {
  // More channels than are gathered at once, and not a multiple of that.
  const shape = [3, 133, 2];
  const data = Float32Array.from({ length: 3 * 133 * 2 }, (_, i) => i);

  it.each([0, 1, 2])("are the channel's elements in order, for axis %d", (axis) => {
    const rows: number[][] = [];
    forEachRow(data, channelView(shape, axis), (row, at, length, c) => {
      expect(c).toBe(rows.length);
      rows.push([...row.subarray(at, at + length)]);
    });
    expect(rows).toEqual(rowsByDefinition(data, shape, axis));
  });

  it.each([0, 1, 2])("are gathered and scattered back without a change, for axis %d", (axis) => {
    const view = channelView(shape, axis);
    const back = new Float32Array(data.length).fill(-1);
    const row = new Float32Array(view.outer * view.inner);
    for (let c = 0; c < view.channels; c++) {
      gatherRow(data, view, c, row);
      scatterRow(row, view, c, back);
    }
    expect(back).toEqual(data);
  });

  it("are none where there are no elements", () => {
    let calls = 0;
    forEachRow(new Float32Array(), channelView([2, 0, 3], 0), () => calls++);
    expect(calls).toBe(0);
  });
});

describe("scale runs", () => {
  it.each([
    { axis: 0, blockSize: 6 },
    { axis: 1, blockSize: 4 },
    { axis: 2, blockSize: 5 },
    { axis: 2, blockSize: 12 },
  ])(
    "give every element the scale of its channel and block: axis $axis, blocks of $blockSize",
    ({ axis, blockSize }) => {
      const shape = [3, 4, 2];
      const view = channelView(shape, axis);
      const perRow = view.outer * view.inner;
      const blocks = Math.ceil(perRow / blockSize);
      const scaleOf = new Array<number>(24).fill(-1);
      forEachScaleRun(view, blockSize, (at, length, index, step) => {
        for (let n = 0; n < length; n++) scaleOf[at + n] = index + n * step;
      });
      const positions = Float32Array.from({ length: 24 }, (_, i) => i);
      for (const [c, row] of rowsByDefinition(positions, shape, axis).entries()) {
        for (const [k, at] of row.entries()) expect(scaleOf[at]).toBe(c * blocks + Math.floor(k / blockSize));
      }
    },
  );
});
