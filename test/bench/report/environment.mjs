/** On what it was measured, as one sentence. */
export function environmentText({ date, redis, node, cores, pinned, system, packages }) {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return `Measured ${date} with ${redis} and Node.js ${node} on ${system}. Redis and the application had ${cores} cores${pinned ? ', one each' : ' together'}. Versions: ${versions.join(', ')}.`;
}
