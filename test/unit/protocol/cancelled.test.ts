import { describe, expect, it } from "vitest";
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import { isCancelledResponse } from "../../../src/protocol/cancelled.ts";

describe("a request that failed", () => {
  it.each([LSPErrorCodes.RequestCancelled, LSPErrorCodes.ServerCancelled, ErrorCodes.PendingResponseRejected])(
    "was cancelled where its code is %i",
    (code) => {
      expect(isCancelledResponse(new ResponseError(code, "whatever"))).toBe(true);
    },
  );

  it("was not where it is anything else, whatever it says", () => {
    const others = [
      new ResponseError(LSPErrorCodes.RequestFailed, "cancelled"),
      new Error("cancelled"),
      undefined,
      null,
    ];
    expect(others.filter(isCancelledResponse)).toEqual([]);
  });
});
