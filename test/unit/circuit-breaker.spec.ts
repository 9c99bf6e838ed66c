import { CircuitBreaker } from '../../libs/rate-limit/src/stores/redis/wire/circuit-breaker.js';

let time: number;
beforeEach(() => void (time = 1_000));
const now = () => time;
const failing = (random = 0.5) => {
  const breaker = new CircuitBreaker({ now, random: () => random });
  for (let i = 0; i < 5; i++) breaker.failed();
  return breaker;
};

describe('a circuit breaker', () => {
  it('lets everybody ask until five calls in a row have failed', () => {
    const breaker = new CircuitBreaker({ now });
    for (const failed of [1, 1, 1, 1, 0, 1, 1, 1, 1]) {
      if (failed) breaker.failed();
      else breaker.answered();
      expect(breaker.mayAsk()).toBe(true);
    }
    breaker.failed();
    expect(breaker.mayAsk()).toBe(false);
  });

  it('lets one ask after each pause, and each pause is twice as long, up to half a second', () => {
    const breaker = failing();
    for (const pause of [50, 100, 200, 400, 500, 500]) {
      time += pause - 1;
      expect(breaker.mayAsk()).toBe(false);
      time += 1;
      expect([breaker.mayAsk(), breaker.mayAsk(), breaker.mayAsk()]).toEqual([true, false, false]);
      breaker.failed();
    }
  });

  it('tells that it pauses, and that takes nobody’s turn', () => {
    expect(new CircuitBreaker({ now }).isPausing).toBe(false);
    const breaker = failing();
    expect(breaker.isPausing).toBe(true);
    time += 50;
    expect([breaker.isPausing, breaker.isPausing, breaker.mayAsk(), breaker.isPausing]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('begins a pause when the one who tried has failed, and waits two seconds for one who never hears', () => {
    const breaker = failing();
    time += 50;
    expect(breaker.mayAsk()).toBe(true);
    time += 250;
    expect(breaker.mayAsk()).toBe(false);
    breaker.failed();
    time += 99;
    expect(breaker.mayAsk()).toBe(false);
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
    time += 1_999;
    expect(breaker.mayAsk()).toBe(false);
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it.each([
    [0, 37.5],
    [0.999_999, 62.5],
  ])('makes pauses of many instances differ (%d)', (random, pause) => {
    const breaker = failing(random);
    time += pause - 0.1;
    expect(breaker.mayAsk()).toBe(false);
    time += 0.1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it('is not kept waiting by those who asked before the pause', () => {
    const breaker = failing();
    time += 49;
    for (let i = 0; i < 100; i++) breaker.failed();
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it('lets everybody ask after the first answer, and begins with a short pause the next time', () => {
    const breaker = failing();
    for (let i = 0; i < 4; i++) {
      time += 500;
      expect(breaker.mayAsk()).toBe(true);
      breaker.failed();
    }
    time += 500;
    expect(breaker.mayAsk()).toBe(true);
    breaker.answered();
    expect([breaker.mayAsk(), breaker.mayAsk()]).toEqual([true, true]);
    for (let i = 0; i < 5; i++) breaker.failed();
    time += 50;
    expect(breaker.mayAsk()).toBe(true);
  });
});
