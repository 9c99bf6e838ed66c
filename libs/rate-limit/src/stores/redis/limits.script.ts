// Generated from lua/limits.lua and lua/limits-since.lua by `npm run lua`. Do not edit.

export const limitsScript = `local book,log=KEYS[1],KEYS[2]
local name,numbers,expected=ARGV[1],ARGV[2],ARGV[3]
local current=redis.call('HGET',book,name)
local known=current and string.match(current,'^(%d+) [%d-]+ [%d-]+ ?%a*$') or '0'
if expected~='' and expected~=known then return { 'changed',known } end
if numbers=='' and not current then return { 'done','0' } end
local last=tonumber(redis.call('HGET',book,'version') or '')
if not last then redis.call('DEL',log) end
if numbers~='' and not current and redis.call('HLEN',book)>tonumber(ARGV[4]) then return { 'full','0' } end
local time=redis.call('TIME')
local clock=time[1]*1000000+time[2]
local version=string.format('%.0f',clock>(last or 0) and clock or last+1+time[2] % 1000)
if numbers=='' then
redis.call('HDEL',book,name)
else
redis.call('HSET',book,name,version .. ' ' .. numbers)
end
redis.call('HSET',book,'version',version)
redis.call('ZADD',log,version,version .. ' ' .. name)
redis.call('ZREMRANGEBYRANK',log,0,-1 - tonumber(ARGV[5]))
redis.call('PEXPIRE',book,ARGV[6])
redis.call('PEXPIRE',log,ARGV[6])
return { 'done',numbers=='' and '0' or version }
`;

export const changesScript = `local book,log,known=KEYS[1],KEYS[2],ARGV[1]
local changes=redis.call('ZRANGEBYSCORE',log,known,'+inf')
if not changes[2] or string.match(changes[1],'^%d+')~=known then return {} end
local names,told={},{ redis.call('HGET',book,'version') }
for i=2,#changes do names[i - 1]=string.match(changes[i],'^%d+ (.*)') end
local entries=redis.call('HMGET',book,unpack(names))
for i,name in ipairs(names) do
told[2*i]=name
told[2*i+1]=entries[i] or ''
end
return told
`;
