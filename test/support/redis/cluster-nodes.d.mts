import type { ServerKind } from './launch.mjs';

export interface ClusterNode {
  readonly host: string;
  readonly port: number;
}

/** Servers in cluster mode that do not know each other yet. */
export function clusterNodes(
  kind: ServerKind,
  options: { count: number; args?: readonly string[]; runDir: string },
): Promise<{ nodes: ClusterNode[]; stop(): Promise<void> }>;
