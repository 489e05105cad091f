import { describe, expect, it } from 'vitest';
import { SpeedController, speedLevels, type SpeedLevel } from '../../src/live/speed-controller.js';

/** A machine whose network takes so many milliseconds for a whole picture, at 25 frames per second. */
class Machine {
  now = 0;
  readonly changes: SpeedLevel[] = [];
  readonly controller: SpeedController;

  constructor(isLightest = true) {
    this.controller = new SpeedController(speedLevels(isLightest));
  }

  run(seconds: number, whole: number, lighterWhole = whole): void {
    for (const end = this.now + seconds * 1000; this.now < end;) {
      const { scale, lighter } = this.controller.level;
      const busy = (lighter ? lighterWhole : whole) * scale ** 2;
      const step = Math.max(40, busy);
      // Frames that come while the network is busy with one are dropped.
      for (let i = 1; i < Math.floor(step / 40); i += 1) this.#see(undefined);
      this.now += step;
      this.#see(busy);
    }
  }

  #see(busy: number | undefined): void {
    const change = this.controller.observe({ busy, interval: 40, now: this.now });
    if (change) this.changes.push(change);
  }
}

describe('the speed controller', () => {
  it('leaves a network that is quick enough alone', () => {
    const machine = new Machine();
    machine.run(60, 32);
    expect(machine.changes).toEqual([]);
  });

  it('goes at once to the largest size that is expected to do', () => {
    const machine = new Machine();
    machine.run(4, 100);
    expect(machine.changes).toEqual([{ scale: 0.5, lighter: false }]);
  });

  it('goes back when there is room, and stays there', () => {
    const machine = new Machine();
    machine.run(4, 100);
    machine.run(60, 20);
    expect(machine.controller.level.scale).toBe(1);
    expect(machine.changes.map(({ scale }) => scale)).toEqual([0.5, 0.75, 1]);
  });

  it('does not swing on the border between two sizes', () => {
    const machine = new Machine();
    for (let i = 0; i < 20; i += 1) {
      machine.run(3, 44);
      machine.run(12, 24);
    }
    // Five minutes: each way up that was a mistake is tried later than the one before.
    expect(machine.changes.length).toBeLessThan(16);
  });

  it('takes the lighter model where no size of the asked one does, even if that takes seconds a frame', () => {
    const machine = new Machine(false);
    machine.run(20, 6000, 30);
    expect(machine.controller.level).toEqual({ scale: 1, lighter: true });
    machine.run(60, 6000, 30);
    expect(machine.controller.level).toEqual({ scale: 1, lighter: true });
  });

  it('stays at the smallest size where nothing does', () => {
    const machine = new Machine();
    machine.run(30, 5000);
    expect(machine.controller.level).toEqual({ scale: 0.25, lighter: false });
    expect(machine.changes.length).toBe(1);
  });
});
