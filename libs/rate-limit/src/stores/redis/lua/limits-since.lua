-- Tells what changed in the book of limits (limits.lua) since a version, as of one moment.
--
-- KEYS      the book and its log
-- ARGV      the version, 0 for all there is
-- Returns   the book's version ("0" when there is none), whether what follows is all there is ("whole") or what changed
--           ("changes"), and names with their entries in turn; an entry that was removed is ''

local book, log, known = KEYS[1], KEYS[2], ARGV[1]
local version = redis.call('HGET', book, 'version') or '0'

-- The first change is the one that made the version, unless the log is too short, or that version was lost.
local changes = known ~= '0' and redis.call('ZRANGEBYSCORE', log, known, '+inf') or {}
if not changes[1] or string.match(changes[1], '^%d+') ~= known then
  local all = redis.call('HGETALL', book)
  table.insert(all, 1, version)
  table.insert(all, 2, 'whole')
  return all
end

local names, told = {}, { version, 'changes' }
for i = 2, #changes do names[i - 1] = string.match(changes[i], '^%d+ (.*)') end
if not names[1] then return told end
local entries = redis.call('HMGET', book, unpack(names))
for i, name in ipairs(names) do
  told[#told + 1] = name
  told[#told + 1] = entries[i] or ''
end
return told
