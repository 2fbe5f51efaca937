import { SigmaQuantError } from "../core/errors.ts";

/** A server of queues, as `redis://user:password@host:port/database`. */
export interface QueueAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Without user and password, for messages. */
  readonly shown: string;
}

const usualPort = 6379;

/** @throws SQ1035; no part of the text is in the message, as it may be a password */
export function parseQueueUrl(text: string): QueueAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "")?.[1];
  const isRedis = url?.protocol === "redis:" || url?.protocol === "rediss:";
  if (!isRedis || url.hostname === "" || database === undefined || url.search !== "" || url.hash !== "") {
    throw malformed();
  }
  const { protocol, hostname } = url;
  const port = url.port === "" ? usualPort : Number(url.port);
  const username = decoded(url.username);
  const password = decoded(url.password);
  return {
    // Brackets are of the URL, not of the address.
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    db: Number(database),
    tls: protocol === "rediss:",
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    shown: `${protocol}//${hostname}:${port}${database === "" ? "" : `/${database}`}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed();
  }
}

function malformed(): SigmaQuantError {
  return new SigmaQuantError("SQ1035", "queue-malformed", "This is no address of a queue", {
    remedy:
      "Write redis://HOST:PORT, or rediss:// with TLS; user and password go before the host, as redis://user:password@HOST",
  });
}
