import { describe, expect, it } from "vitest";
import { parseQueueUrl } from "../../../src/queue/address.ts";
import { unreachable } from "../../../src/queue/errors.ts";

describe("the address of a queue", () => {
  it("has the usual port and database, if it says none", () => {
    const address = { host: "h", port: 6379, db: 0, tls: false, shown: "redis://h:6379" };
    expect(parseQueueUrl("redis://h")).toEqual(address);
    expect(parseQueueUrl("redis://h/")).toEqual(address);
  });

  it("has user and password as they are meant, and does not show them", () => {
    const address = parseQueueUrl("rediss://me:p%40ss@h:1/2");
    expect(address).toEqual({
      host: "h",
      port: 1,
      db: 2,
      tls: true,
      username: "me",
      password: "p@ss",
      shown: "rediss://h:1/2",
    });
    expect(unreachable(address, new Error("ECONNREFUSED")).describe()).not.toMatch(/me|p@ss|p%40/);
  });

  it("may be of version 6", () => {
    expect(parseQueueUrl("redis://[::1]:7")).toMatchObject({ host: "::1", port: 7, shown: "redis://[::1]:7" });
  });

  it.each([
    "",
    "host:6379",
    "http://me:secret@h",
    "redis://",
    "redis://h/x",
    "redis://h?password=secret",
    "redis://:%secret@h",
  ])("is not %j, and what was written is not repeated", (text) => {
    let message = "";
    try {
      parseQueueUrl(text);
    } catch (error) {
      message = (error as { describe(): string }).describe();
    }
    expect(message).toContain("SQ1035");
    expect(message).not.toContain("secret");
  });
});

describe("what is wrong with a server", () => {
  const address = parseQueueUrl("redis://h");

  it("is a password where it is", () => {
    expect(unreachable(address, new Error("NOAUTH Authentication required.")).remedy).toContain("password");
    expect(unreachable(address, new Error("connect ETIMEDOUT")).remedy).not.toContain("password");
  });

  it("is told of a name with several addresses, whose errors are one without a message", () => {
    const error = new AggregateError([new Error("connect ECONNREFUSED ::1:1"), new Error("other")], "");
    expect(unreachable(address, error).message).toBe(
      "The queue at redis://h:6379 can't be used: connect ECONNREFUSED ::1:1",
    );
  });
});
