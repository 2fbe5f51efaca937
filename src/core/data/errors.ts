import { type Place, SigmaQuantError } from "../errors.ts";

/**
 * What can be wrong with a calibration or evaluation set, each with its stable code. SQ400x: array files, SQ401x: zip
 * containers, SQ402x: preprocess.json, SQ403x: arrays that do not suit the model, SQ404x: ONNX test data, SQ405x: made-up
 * samples and values that are given, SQ406x: images.
 */
const codes = {
  "npy-format": "SQ4001",
  "npy-type": "SQ4002",
  "npy-truncated": "SQ4003",
  "array-too-large": "SQ4004",
  "zip-format": "SQ4010",
  "zip-unsupported": "SQ4011",
  "zip-limit": "SQ4012",
  "zip-name": "SQ4013",
  "zip-corrupt": "SQ4014",
  "preprocess-syntax": "SQ4020",
  "preprocess-field": "SQ4021",
  "preprocess-channels": "SQ4022",
  "array-missing": "SQ4030",
  "array-shape": "SQ4031",
  "array-type": "SQ4032",
  "sample-count": "SQ4033",
  labels: "SQ4034",
  "no-samples": "SQ4035",
  "sample-range": "SQ4036",
  "batch-size": "SQ4037",
  "data-kind": "SQ4038",
  "test-data": "SQ4040",
  "tensor-proto": "SQ4041",
  "synthetic-input": "SQ4050",
  "input-value": "SQ4051",
  "image-folder": "SQ4060",
  "image-damaged": "SQ4061",
  "image-unsupported": "SQ4062",
  "image-too-large": "SQ4063",
  "image-link": "SQ4064",
  "image-input": "SQ4065",
  "image-classes": "SQ4066",
  "image-size": "SQ4067",
} as const satisfies Record<string, `SQ4${number}`>;

export type DataErrorSlug = keyof typeof codes;

/** @param message one sentence without place and code; @param remedy one sentence in the imperative */
export function dataError(
  slug: DataErrorSlug,
  message: string,
  remedy: string,
  place?: Place,
  cause?: unknown,
): SigmaQuantError {
  return new SigmaQuantError(codes[slug], slug, message, {
    remedy,
    ...(place === undefined ? {} : { place }),
    ...(cause === undefined ? {} : { cause }),
  });
}
