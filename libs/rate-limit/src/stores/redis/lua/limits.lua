-- Changes one limit in the book, if it is still the one that the writer knows.
--
-- KEYS      the book, a hash: entries by name, each "version limit burst mode" ("-" for a limit or a burst that is not set;
--           without a mode, the definition's applies), and under "version" the book's own; and its log, a sorted set of the
--           latest changes by version, each "version name"
-- ARGV      name; "limit burst mode", or '' to remove the entry; the version that it must have, 0 for none, or '' for any;
--           the most entries; how many changes the log keeps; how long both are kept, in ms
-- Returns   the outcome ("done", "changed" or "full"), and the entry's version now (0: there is no entry)
--
-- A version is the server's clock in µs, or a little more than the last version, by a varying step. So a version that a
-- failover lost is not given again, and an instance that knows it does not find it in the log.

local book, log = KEYS[1], KEYS[2]
local name, numbers, expected = ARGV[1], ARGV[2], ARGV[3]

local current = redis.call('HGET', book, name)
-- Text that this library did not write does not count as an entry. Readers ignore it too.
local known = current and string.match(current, '^(%d+) [%d-]+ [%d-]+ ?%a*$') or '0'
if expected ~= '' and expected ~= known then return { 'changed', known } end
if numbers == '' and not current then return { 'done', '0' } end

local last = tonumber(redis.call('HGET', book, 'version') or '')
-- A log without its book has only changes that are lost.
if not last then redis.call('DEL', log) end
if numbers ~= '' and not current and redis.call('HLEN', book) > tonumber(ARGV[4]) then return { 'full', '0' } end

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local version = string.format('%.0f', clock > (last or 0) and clock or last + 1 + time[2] % 1000)
if numbers == '' then
  redis.call('HDEL', book, name)
else
  redis.call('HSET', book, name, version .. ' ' .. numbers)
end
redis.call('HSET', book, 'version', version)
redis.call('ZADD', log, version, version .. ' ' .. name)
redis.call('ZREMRANGEBYRANK', log, 0, -1 - tonumber(ARGV[5]))
redis.call('PEXPIRE', book, ARGV[6])
redis.call('PEXPIRE', log, ARGV[6])
return { 'done', numbers == '' and '0' or version }
