import type { WindowReader } from "./window.ts";

/**
 * Gathers the fields of a message that are kept as they are. Fields that follow each other in the window are copied
 * together, so that a list of a million single numbers does not become a million arrays.
 */
export class PlainFields {
  private readonly window: WindowReader;
  private readonly parts: Uint8Array[] = [];
  private from = 0;
  private to = 0;

  constructor(window: WindowReader) {
    this.window = window;
  }

  /** Adds a field that the window holds. Before the window moves on, `flush` must be called. */
  add(start: number, end: number): void {
    if (start !== this.to) {
      this.flush();
      this.from = start;
    }
    this.to = end;
  }

  /** Copies what was added out of the window. */
  flush(): void {
    if (this.to > this.from) this.parts.push(this.window.slice(this.from, this.to));
    this.from = this.to;
  }

  /** Adds bytes that come from elsewhere. */
  push(bytes: Uint8Array): void {
    this.flush();
    this.parts.push(bytes);
  }

  /** All fields, in the order in which they were added. */
  concat(): Uint8Array {
    this.flush();
    const [only] = this.parts;
    if (only && this.parts.length === 1) return only;
    const out = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}
