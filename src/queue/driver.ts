import { Queue, QueueEvents, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { Redis } from "ioredis";

/**
 * The queue's driver, which is a bundle of its own (see esbuild.mjs): loaded where a queue was asked for, and never else. The only
 * file that reaches for the network.
 */
export const driver = { Queue, QueueEvents, Redis, UnrecoverableError, WaitingError, Worker };
