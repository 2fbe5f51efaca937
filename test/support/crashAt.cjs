/**
 * Loaded before the engine (`node --require`): the process dies of a signal, as native code that crashes does, as soon as it has told that it is
 * at the layer CRASH_AT; with CRASH_ONCE, a file, only if that is not there yet.
 */
const { existsSync, writeFileSync } = require("node:fs");

const { CRASH_AT, CRASH_ONCE } = process.env;
const { send } = process;

if (send) {
  process.send = (message, ...rest) => {
    const isAt = CRASH_AT !== undefined && message?.event?.progress?.item === CRASH_AT;
    if (!isAt || (CRASH_ONCE && existsSync(CRASH_ONCE))) {
      return Reflect.apply(send, process, [message, ...rest]);
    }
    if (CRASH_ONCE) writeFileSync(CRASH_ONCE, "");
    const die = () => process.kill(process.pid, "SIGSEGV");
    return Reflect.apply(send, process, [message, undefined, undefined, die]);
  };
}
