// The server's time on this machine. Each snapshot says `now`; what passes from there is measured by two clocks, because people
// set the one and sleep stops the other.

const JUMP = 30_000;

export class Clock {
  #server = 0;
  #wall = 0;
  #steady = 0;

  /** The server has just said what time it is. */
  set(now: number): void {
    this.#server = now;
    this.#wall = Date.now();
    this.#steady = performance.now();
  }

  /** Milliseconds since the server was last heard. */
  age(): number {
    return this.#server ? Math.max(Date.now() - this.#wall, performance.now() - this.#steady) : Infinity;
  }

  /** The server's time, or this machine's where no server was heard. */
  now(): number {
    return this.#server ? this.#server + this.age() : Date.now();
  }

  /** Whether the server's time is past this one; never, where there is none. */
  isPast(time: string | undefined): boolean {
    return this.now() >= Date.parse(time ?? "");
  }

  /** Whether the two clocks have parted: somebody set one, or the machine slept. */
  hasJumped(): boolean {
    return this.#server > 0 && Math.abs(Date.now() - this.#wall - performance.now() + this.#steady) > JUMP;
  }
}
