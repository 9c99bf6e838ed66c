import { createLimiter } from 'nestjs-redis-rate-limit/engine';
import { Registry, type Metric } from 'prom-client';
import { METRICS } from '../../libs/rate-limit/src/engine/metrics/metrics.js';
import { prometheusName } from '../../libs/rate-limit/src/engine/metrics/prometheus/names.js';
import { textOf } from '../docs/pages.js';
import { alertQueries, dashboard, namesIn, pageQueries, panelQueries, type Query } from './queries.js';

/** What a scrape adds. */
const OF_TARGETS = ['job', 'instance'];

/** The labels of each series that a limiter exports, by the series' name. */
const exported = new Map<string, string[]>();
beforeAll(async () => {
  const registry = new Registry();
  const limiter = await createLimiter({ prometheus: registry, policies: {} });
  for (const metric of registry.getMetricsAsArray() as unknown as (Metric & { name: string; labelNames: string[] })[]) {
    const { name, labelNames } = metric;
    if (metric.constructor.name === 'Histogram') {
      for (const part of ['_sum', '_count']) exported.set(name + part, labelNames);
      exported.set(`${name}_bucket`, [...labelNames, 'le']);
    } else {
      exported.set(name, labelNames);
    }
  }
  await limiter.close();
});

it.each<Query>([...panelQueries(), ...alertQueries(), ...pageQueries('docs/watching.md')])(
  '$from asks for what is exported',
  ({ query }) => {
    const { metrics, labels } = namesIn(query);
    expect(metrics).not.toEqual([]);
    for (const metric of metrics) {
      expect([...exported.keys()]).toContain(metric);
      expect([...exported.get(metric)!, ...OF_TARGETS]).toEqual(expect.arrayContaining(labels));
    }
  },
);

it('the dashboard shows every metric, and can be imported with any data source', () => {
  const shown = panelQueries().flatMap(({ query }) => namesIn(query).metrics);
  for (const name of Object.keys(METRICS) as (keyof typeof METRICS)[]) {
    expect(shown.some((each) => each.startsWith(prometheusName(name)))).toBe(true);
  }
  const { __inputs: inputs, panels, templating } = dashboard();
  expect(inputs).toMatchObject([{ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' }]);
  const sources = [...JSON.stringify({ panels, templating }).matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
  expect(new Set(sources)).toEqual(new Set(['${DS_PROMETHEUS}']));
});

it('docs/metrics.md lists exactly the metrics that exist, with their labels', () => {
  const [, section] = textOf('docs/metrics.md').split(/^## /m);
  const rows = [...section!.matchAll(/^\| `(rate_limit[\w.]+)` +\| ([^|]*)\|/gm)];
  const listed = rows.map(([, name, labels]) => [name, [...labels!.matchAll(/`([\w.]+)`/g)].map(([, label]) => label)]);
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(Object.entries(METRICS).map(([name, { labels }]) => [name, [...labels]])),
  );
  for (const name of Object.keys(METRICS) as (keyof typeof METRICS)[]) {
    expect(textOf('docs/metrics.md')).toContain(`\`${prometheusName(name)}\``);
  }
});

it('docs/watching.md says of every alert what to look at, and shows the share that one is about', () => {
  const page = textOf('docs/watching.md');
  for (const { from } of alertQueries()) expect(page).toContain(`| \`${from}\``);
  const [shown] = pageQueries('docs/watching.md').slice(-1);
  const { query } = alertQueries().find(({ from }) => from === 'RateLimitDeniesMany')!;
  expect(query.replaceAll('job, ', '')).toBe(`${shown!.query} > 0.2`);
});
