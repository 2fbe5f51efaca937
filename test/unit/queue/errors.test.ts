import { describe, expect, it } from "vitest";
import { unreachable } from "../../../src/queue/errors.ts";

describe("what a server says when it refuses", () => {
  it("is told without the arguments of a command that it does not know: the password may be one", () => {
    const cause = new Error("ERR unknown command `auth`, with args beginning with: `me`, `s3cret`,");
    const { message } = unreachable({ shown: "redis://127.0.0.1:6379" } as never, cause);
    expect(message).toContain("unknown command `auth`");
    expect(message).not.toContain("s3cret");
  });
});
