import { configFrom } from '../../apps/sample/src/config.js';
import { textOf } from './pages.js';

/** Every variable that is asked for when none is set. */
function variables(): string[] {
  const asked = new Set<string>();
  const env = new Proxy<NodeJS.ProcessEnv>({}, { get: (_none, name) => void asked.add(String(name)) });
  configFrom(env);
  return [...asked];
}

describe('docs/sample.md', () => {
  it('names every variable that the sample reads, once, and no other', () => {
    const named = [...textOf('docs/sample.md').matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, name]) => name!);
    expect(named.sort()).toEqual(variables().sort());
  });
});
