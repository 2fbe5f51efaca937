import type { WindowReader } from "./window.ts";

/**
 * Gathers the fields of a message that are kept as they are. Fields that follow each other in the window are copied
 * together, so that a list of a million single numbers does not become a million arrays.
 */
export class PlainFields {
  private readonly window: WindowReader;
  private parts: Uint8Array[] = [];
  private copied = 0;
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

  /** How much has been gathered since `take`. */
  get bytes(): number {
    return this.copied + this.to - this.from;
  }

  /** Copies what was added out of the window. */
  flush(): void {
    if (this.to > this.from) this.put(this.window.slice(this.from, this.to));
    this.from = this.to;
  }

  /** Adds bytes that come from elsewhere. */
  push(bytes: Uint8Array): void {
    this.flush();
    this.put(bytes);
  }

  /** All fields gathered, in the order in which they were added; starts again with none. */
  take(): Uint8Array {
    this.flush();
    const { parts, copied } = this;
    this.parts = [];
    this.copied = 0;
    const [only] = parts;
    if (only && parts.length === 1) return only;
    const out = new Uint8Array(copied);
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private put(part: Uint8Array): void {
    this.parts.push(part);
    this.copied += part.length;
  }
}
