/** Ends the main server, and whatever a failed test left running. */
export default async function globalTeardown() {
  await globalThis.redisRun?.close();
}
