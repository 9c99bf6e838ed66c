-- Returns what changed in the book of limits (limits.lua) since a version, as of one moment.
--
-- KEYS      the book and its log
-- ARGV      the version
-- Returns   the book's version now, and names with their entries in turn ('' for a removed entry); nothing when the log
--           does not have that version: the log is too short, or the version was lost

local book, log, known = KEYS[1], KEYS[2], ARGV[1]

-- The first is the change that made the version.
local changes = redis.call('ZRANGEBYSCORE', log, known, '+inf')
if not changes[2] or string.match(changes[1], '^%d+') ~= known then return {} end

local names, told = {}, { redis.call('HGET', book, 'version') }
for i = 2, #changes do names[i - 1] = string.match(changes[i], '^%d+ (.*)') end
local entries = redis.call('HMGET', book, unpack(names))
for i, name in ipairs(names) do
  told[2 * i] = name
  told[2 * i + 1] = entries[i] or ''
end
return told
