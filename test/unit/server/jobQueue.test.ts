import { describe, expect, it } from "vitest";
import { Cancelled, type CancelReason, JobQueue } from "../../../src/server/jobQueue.ts";

interface Gate {
  readonly open: () => void;
  readonly opened: Promise<void>;
}

function gate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

function queue() {
  const failures: (readonly [string, CancelReason | undefined])[] = [];
  const jobs = new JobQueue<string>(
    (kind, _error, cancelled) => failures.push([kind, cancelled]),
    () => undefined,
  );
  return { jobs, failures };
}

describe("a queue of jobs", () => {
  it("runs one at a time, however many wait for the same one to end", async () => {
    const { jobs } = queue();
    const first = gate();
    let running = 0;
    let most = 0;
    const body = async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    const all = [jobs.run("first", () => first.opened), ...["a", "b", "c"].map((kind) => jobs.run(kind, body))];
    first.open();
    await Promise.all(all);
    expect(most).toBe(1);
    expect(jobs.busy).toBe(false);
  });

  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  it("ends the one at work for another, and not the one that waits behind it", async () => {
    const { jobs, failures } = queue();
    const ran: string[] = [];
    const first = jobs.run("first", untilAborted);
    const second = jobs.run("second", async () => {
      ran.push("second");
    });
    jobs.cancel("replaced");
    await Promise.all([first, second]);
    expect(failures).toEqual([["first", "replaced"]]);
    expect(ran).toEqual(["second"]);
  });

  it.each(["cancelled", "closed"] as const)(
    "begins none of those that wait when all is %s, and those after",
    async (reason) => {
      const { jobs, failures } = queue();
      const ran: string[] = [];
      const first = jobs.run("first", untilAborted);
      const waiting = ["a", "b"].map((kind) =>
        jobs.runOrThrow(kind, async () => {
          ran.push(kind);
        }),
      );
      const ended = waiting.map((each) => expect(each).rejects.toEqual(new Cancelled(reason)));
      jobs.cancel(reason);
      const after = jobs.run("after", async () => {
        ran.push("after");
      });
      await Promise.all([first, ...ended, after]);
      expect(failures).toEqual([["first", reason]]);
      expect(ran).toEqual(["after"]);
    },
  );

  it("begins what surely has to be done, whatever is cancelled while it waits, but not once all is closed", async () => {
    const { jobs } = queue();
    const ran: string[] = [];
    for (const reason of ["cancelled", "closed"] as const) {
      const going = gate();
      const first = jobs.run("first", () => going.opened);
      const reload = jobs.runSurely("reload", async () => void ran.push(reason));
      jobs.cancel(reason);
      going.open();
      await Promise.all([first, reload]);
    }
    expect(ran).toEqual(["cancelled"]);
  });

  it("spares a job of the kind that is to go on", async () => {
    const { jobs, failures } = queue();
    const going = gate();
    const run = jobs.run("files", () => going.opened);
    jobs.cancel("replaced", "files");
    going.open();
    await run;
    expect(failures).toEqual([]);
  });

  it("passes errors on to whoever waits, and goes on with the next job", async () => {
    const { jobs, failures } = queue();
    const failed = jobs.runOrThrow("bad", () => Promise.reject(new Error("no")));
    const next = jobs.runOrThrow("good", async () => 5);
    await expect(failed).rejects.toThrow("no");
    expect(await next).toBe(5);
    expect(failures).toEqual([["bad", undefined]]);
  });
});
