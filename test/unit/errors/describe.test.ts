import { describe, expect, it } from "vitest";
import { SigmaQuantError, sentences } from "../../../src/core/errors.ts";

const described = (message: string, remedy: string) =>
  new SigmaQuantError("SQ3010", "unknown-property", message, { remedy }).describe();

describe("an error as a terminal shows it", () => {
  it("has one stop between what is wrong and what to do, and none before the code", () => {
    for (const remedy of ["Remove it", "Remove it."]) {
      expect(described("Unknown property a", remedy)).toBe("Unknown property a. Remove it [SQ3010 unknown-property]");
    }
  });

  it("has no stop after a question", () => {
    expect(described("Unknown property a. Did you mean b?", 'Write "b".')).toBe(
      'Unknown property a. Did you mean b? Write "b" [SQ3010 unknown-property]',
    );
    expect(described("Unknown field a", "Did you mean b?")).toBe(
      "Unknown field a. Did you mean b? [SQ3010 unknown-property]",
    );
  });
});

describe("sentences", () => {
  it("end once each, whatever they came with", () => {
    expect(sentences("It is wrong", "Mend it")).toBe("It is wrong. Mend it.");
    expect(sentences("It is wrong.", "Mend it.")).toBe("It is wrong. Mend it.");
    expect(sentences("Did you mean it?", "")).toBe("Did you mean it?");
  });
});
