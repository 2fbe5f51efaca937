import { expect } from "vitest";
import { SigmaQuantError } from "../../../src/core/errors.ts";

/** The error a promise ends in, which must be one that a user can read. */
export async function refusal(work: Promise<unknown>): Promise<SigmaQuantError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SigmaQuantError);
  return error as SigmaQuantError;
}

/** The slug of that error: what tests name. */
export async function slugOf(work: Promise<unknown>): Promise<string> {
  return (await refusal(work)).slug;
}
