/**
 * Loaded before a program (`node --require`): with SIGUSR2 its clock jumps by CLOCK_JUMP_HOURS, as a machine's does that is set right, or
 * that wakes up. What goes by no clock (timers, performance.now()) goes on as it did.
 */
const { now } = Date;
let jumped = 0;
const jumpedNow = () => now() + jumped;

globalThis.Date = new Proxy(Date, {
  construct: (date, given, self) => Reflect.construct(date, given.length === 0 ? [jumpedNow()] : given, self),
  get: (date, name) => (name === "now" ? jumpedNow : Reflect.get(date, name)),
});

process.on("SIGUSR2", () => {
  jumped += Number(process.env.CLOCK_JUMP_HOURS) * 3_600_000;
});
