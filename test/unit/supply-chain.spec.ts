import { readFileSync } from 'node:fs';

interface Package {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
  hasInstallScript?: boolean;
}

const read = (path: string): never =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as never;

describe('what comes with the package', () => {
  const own: Package = read('libs/rate-limit/package.json');
  const locked: { packages: Record<string, Package> } = read('package-lock.json');

  it('is one dependency, which has none', () => {
    expect(Object.keys({ ...own.dependencies, ...own.optionalDependencies })).toEqual(['ipaddr.js']);
    const { dependencies = {}, optionalDependencies = {} } = locked.packages['node_modules/ipaddr.js']!;
    expect(Object.keys({ ...dependencies, ...optionalDependencies })).toEqual([]);
  });

  it('runs nothing when it is installed', () => {
    const install = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(own.scripts ?? {}).filter((name) => install.includes(name))).toEqual([]);
    expect(locked.packages['node_modules/ipaddr.js']!.hasInstallScript).toBeUndefined();
  });
});
