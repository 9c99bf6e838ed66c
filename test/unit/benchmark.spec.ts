import { Allocations } from '../bench/measuring/garbage.mjs';
import { headlines } from '../bench/report/headlines.mjs';
import { verdicts, type Row } from '../bench/targets.mjs';

describe('the garbage of a benchmark', () => {
  it('is what was allocated, collected or not', () => {
    const allocations = new Allocations();
    let last: number[] = [];
    allocations.start();
    // 128 bytes each: a header of 32, and a store of 16 and 8 for each of ten elements.
    for (let i = 0; i < 500_000; i++) last = [i, i, i, i, i, i, i, i, i, i];
    const bytes = allocations.stop() / 500_000;
    expect(last).toHaveLength(10);
    expect(bytes).toBeGreaterThan(120);
    expect(bytes).toBeLessThan(160);
  });
});

describe('the verdicts of a benchmark', () => {
  const row = (id: string, contenders: Row['contenders']): Row => ({ id, name: id, contenders });
  const peer = { id: 'peer', label: 'a peer', kind: 'peer' } as const;
  const ours = { id: 'fixed-window', label: 'nestjs-redis-rate-limit, fixed-window', kind: 'ours' } as const;

  it('compare with the best peer in that figure, and say by how much a target is missed', () => {
    const sixteen = row('sixteen-in-flight', [
      { ...peer, perSecond: { median: 80 } },
      { ...peer, id: 'other', perSecond: { median: 100 } },
      { ...ours, perSecond: { median: 117 } },
    ]);
    const [verdict, ...others] = verdicts([sixteen]);
    expect(others).toEqual([]);
    expect(verdict).toMatchObject({ title: 'sixteen-in-flight: fixed-window, decisions/s', value: 1.17, met: false });
    expect(verdict!.short).toBeCloseTo(0.1);
  });

  it('compare a large limit with the same contender under a small one', () => {
    const large = { ...ours, id: 'limit-10000', perSecond: { median: 98 } };
    const [verdict] = verdicts([row('limits-64', [{ ...ours, perSecond: { median: 100 } }, large])]);
    expect(verdict).toMatchObject({ value: 0.98, met: true });
  });

  it('leave out what was not measured', () => {
    expect(verdicts([])).toEqual([]);
    const { length } = headlines({ quick: false, environment: { date: '2026-01-01' }, rows: [] }).split('\n- ');
    expect(length).toBe(1);
  });
});
