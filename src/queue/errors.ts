import { SigmaQuantError } from "../core/errors.ts";
import type { QueueAddress } from "./address.ts";

/** The server of the queue can't be reached, or refuses what is asked. */
export function unreachable({ shown }: QueueAddress, cause: unknown): SigmaQuantError {
  const reason = reasonOf(cause);
  const message = `The queue at ${shown} can't be used: ${reason}`;
  if (/NOAUTH|WRONGPASS|NOPERM|invalid password/i.test(reason)) {
    const remedy = "Give the user and the password that the server wants: redis://user:password@host";
    return new SigmaQuantError("SQ6201", "queue-unreachable", message, { remedy });
  }
  const remedy = "Check that a Redis server runs there, and that this machine may connect to it";
  return new SigmaQuantError("SQ6201", "queue-unreachable", message, { remedy });
}

/** @param version of this program */
export function noWorker({ shown }: QueueAddress, version: string): SigmaQuantError {
  return new SigmaQuantError("SQ6202", "no-worker", `No worker of SigmaQuant ${version} answers at ${shown}`, {
    remedy: `Start one with \`sigmaquant worker --queue ${shown}\`, on this or any other machine`,
  });
}

/** What came out of the queue is not what was put in, or is gone. */
export function badQueueData(what: string): SigmaQuantError {
  return new SigmaQuantError("SQ6203", "queue-data", what, {
    remedy: "Run the analysis again: what is damaged or gone is then sent anew",
  });
}

export function workersLost(layer: string): SigmaQuantError {
  return new SigmaQuantError(
    "SQ6204",
    "workers-lost",
    "Each worker that was given this layer ended in the middle of it",
    {
      remedy: "Look at the workers' machines (memory, most likely); a smaller --batch, or fewer samples, need less",
      place: { item: layer },
    },
  );
}

/** Messages of the driver, without the arguments of commands that a server does not know: the password is one. */
function reasonOf(cause: unknown): string {
  const error = cause as NodeJS.ErrnoException & { readonly errors?: readonly unknown[] };
  // One for each address of a name.
  const [first] = error?.errors ?? [];
  const message = error?.message || (first === undefined ? "" : reasonOf(first)) || error?.code || String(cause);
  return (message.split("\n")[0] ?? message).replace(/,? with args beginning with.*/i, "").replace(/\.+$/, "");
}
