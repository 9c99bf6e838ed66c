// The guide shows one that starts a container; here the tests' own servers will do.
export { startRedis } from '../support/redis/servers.js';
