/** On what it was measured, as one sentence. */
export function environmentText({ date, redis, node, cores, pinned, system, packages }) {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return `Measured ${date} with ${redis}, Node.js ${node} on ${system}, ${cores} cores for both${pinned ? ', pinned to one each' : ''}; ${versions.join(', ')}.`;
}
