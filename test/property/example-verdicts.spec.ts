import fc from 'fast-check';
import { MemoryStore } from 'nestjs-redis-rate-limit';
import { verdictsAfter } from '../../libs/rate-limit/src/nest/openapi/example-verdicts.js';
import { documentedAnswers } from '../../libs/rate-limit/src/nest/openapi/documented-answers.js';
import { policies } from '../support/arbitraries.js';

/** Some policies of different names, and what a request spends of each. */
const uses = fc.uniqueArray(fc.record({ policy: policies, cost: fc.integer({ min: 0, max: 4 }) }), {
  minLength: 1,
  maxLength: 3,
  selector: ({ policy }) => policy.name,
});

describe('what a document shows of decisions', () => {
  it('is what a memory store decides on requests at one instant, up to the first it denies', async () => {
    await fc.assert(
      fc.asyncProperty(uses, async (used) => {
        const store = new MemoryStore({ now: () => 0 });
        for (let admitted = 0; admitted < 30; admitted++) {
          const decisions = store.consume(used.map(({ policy, cost }) => ({ policy, cost, key: 'k' })));
          expect(verdictsAfter(admitted, used, 0).map(({ decision }) => decision)).toEqual(decisions);
          if (decisions.some(({ allowed }) => !allowed)) break;
        }
      }),
    );
  });

  it('names for a denial at least one policy that denies, and only of those that cost something', () => {
    fc.assert(
      fc.property(uses, (used) => {
        const documented = used.map((use) => ({ ...use, isLimitDynamic: false, isCostDynamic: false }));
        const { denial } = documentedAnswers(documented, [], 'ietf');
        const costly = used.filter(({ cost }) => cost > 0).map(({ policy }) => policy.name);
        const named = denial?.content['application/problem+json']!.example!['violated-policies'];
        expect(named === undefined).toBe(costly.length === 0);
        if (named === undefined) return;
        expect(named.length).toBeGreaterThan(0);
        expect(costly).toEqual(expect.arrayContaining([...named]));
      }),
    );
  });
});
