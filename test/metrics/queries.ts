import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { read } from '../docs/pages.js';

const path = (file: string) => fileURLToPath(new URL(`../../docs/dashboards/${file}`, import.meta.url));

/** The alert rules of the documentation. */
export const RULES = path('rate-limit.rules.yml');

/** A query, and where it is from. */
export interface Query {
  readonly from: string;
  readonly query: string;
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

export const dashboard = (): Dashboard & Record<string, unknown> =>
  JSON.parse(readFileSync(path('rate-limit.json'), 'utf8')) as never;

/** The queries of the dashboard's panels, with Grafana's variables replaced as Grafana does. */
export const panelQueries = (): Query[] =>
  dashboard().panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({
      from: title,
      query: expr.replaceAll('$__rate_interval', '1m').replaceAll('$policy', '.*'),
    })),
  );

/** The queries of the alert rules. */
export function alertQueries(): Query[] {
  const rules = readFileSync(RULES, 'utf8').split(/^ +- alert: /m);
  return rules.slice(1).map((rule) => {
    const [from] = rule.split('\n') as [string];
    const [, line, lines = ''] = /^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/m.exec(rule)!;
    return { from, query: (line ?? lines).replaceAll(/\s+/g, ' ').trim() };
  });
}

/** The queries of a page of the documentation. */
export const pageQueries = (page: string): Query[] =>
  read(page)
    .blocks.filter(({ language }) => language === 'promql')
    .map(({ lines, line }) => ({ from: `${page}:${line}`, query: lines.join(' ').replaceAll(/\s+/g, ' ') }));

/** The metrics that a query names, and all labels that it names. */
export function namesIn(query: string): { metrics: string[]; labels: string[] } {
  const metrics = query.match(/\brate_limit_\w+/g) ?? [];
  const matched = [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner]) =>
    [...inner!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  );
  const grouped = [...query.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, inner]) => inner!.split(/\s*,\s*/));
  return { metrics, labels: [...matched, ...grouped] };
}
