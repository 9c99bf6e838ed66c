// Generated from lua/*.lua by `npm run lua`. Do not edit.

/** The name Redis knows the script by. */
export const consumeSha = '9d8b253faa65ad3d48e272115773cd0885725f9b';

export const consumeScript = `local KEYS,ARGV,redis,tonumber=KEYS,ARGV,redis,tonumber
local time=redis.call('TIME')
local microseconds=tonumber(time[2])
local server=time[1]*1000+(microseconds - microseconds % 1000)/1000
local lone_sum
if not ARGV[1+4] and ARGV[1+0]~='' or ARGV[1+6]=='lone' then
local not_after,limit,window=ARGV[1+0],ARGV[1+1],ARGV[1+2]
local bounds=ARGV[1+3]
local now=tonumber(ARGV[1+4] or server)
if not_after~='' and server - not_after>0 then return struct.pack('<d',server) end
if bounds and bounds~='' then
if limit+0>=1 and limit+0<4194304 then
lone_sum=redis.pcall('INCRBY',KEYS[1],'1')
if type(lone_sum)=='number' and lone_sum>=70368744177664 and lone_sum<9007199254740992 then
local used=lone_sum % 4194304
local remaining=limit - used
local until_end=(lone_sum - used)/4194304*1000+1735689600000 - now
if used>=1 and remaining>=0 and until_end>0 and until_end<=window+0 and microseconds % 16~=0 then
return struct.pack('<dddd',server,remaining,until_end,0)
end
end
end
ARGV={ not_after,now,'calendar-window',limit,window,bounds,ARGV[1+5] or '0' }
else
if limit+0>=1 and limit+0<1048576 then
lone_sum=redis.pcall('INCRBY',KEYS[1],'1')
if type(lone_sum)=='number' and lone_sum>=281474976710656 and lone_sum<9007199254740992 then
local used=lone_sum % 8192
local remaining=limit - used
local until_end=(lone_sum - used)/8192+1735689600000+window - now
if used>=1 and remaining>=0 and until_end>0 and until_end<=2*window and microseconds % 16~=0 then
return struct.pack('<dddd',server,remaining,until_end,0)
end
end
end
ARGV={ not_after,now,'fixed-window',limit,window,limit,ARGV[1+5] or window }
end
end
local call,pcall_redis,type,tonumber=redis.call,redis.pcall,type,tonumber
local floor,ceil,max,min=math.floor,math.ceil,math.max,math.min
local pack,unpack_record,format,rep=struct.pack,struct.unpack,string.format,string.rep
local LARGEST=9007199254740992
local function refuse_unless_foreign(refusal)
if not string.find(refusal.err,'WRONGTYPE') then error(refusal.err) end
end
local function read_record(found,size,layout)
if found and #found==size then
local a,b,c=unpack_record(layout,found)
if
a>=0 and a<LARGEST and a % 1==0 and b>=0 and b<LARGEST and b % 1==0
and c>=0 and c<LARGEST and c % 1==0
then
return a,b,c
end
elseif type(found)=='table' then
refuse_unless_foreign(found)
end
end
local not_after,now=tonumber(ARGV[1+0]),tonumber(ARGV[1+1]) or server
if not_after and server>not_after then return pack('<d',server) end
local NOTHING_LEFT,ADD_COST,CHARGED='',true,'charged'
local KEEP_TTL=false
local GUESS,LONGEST_GUESS,NO_MARK=-1,1000,-1
local HAS_FIELD_EXPIRY=(redis.REDIS_VERSION_NUM or 0)>=524288
local some_late=false
local read_counter,fixed_window,sliding_window,sliding_window_correct,sliding_log,sliding_log_correct,token_bucket,concurrency,take_slot,free_slot,renew_slot,calendar_window,run_judge,new_block,write_block,read_block,look,begin_block,answer_with_block,keep_hold,write_hold,scan_holds,read_hold,with_room,room_of,record_hit,counting,correct,beside_holds,new_claim,forget_request,judge_claim,finish_claim,run_impose,run_forget,run_read_clock,run_settle,run_renew,run_hold
local function algorithm_at(at) return ARGV[2+at] end
local function write_record(key,record,lifetime,at,cost)
local life=ARGV[2+at+4]
if lifetime and lifetime>tonumber(life) then life=lifetime end
if record==ADD_COST then
local sum=pcall_redis('INCRBY',key,cost)
if type(sum)=='table' then
if not string.find(sum.err,'integer') then error(sum.err) end
call('SET',key,format('%.0f',tonumber(call('GET',key))+cost),'PX',life)
end
elseif record==NOTHING_LEFT then
call('DEL',key)
elseif not lifetime then
call('SETRANGE',key,'0',record)
elseif lifetime<0 then
call('SETRANGE',key,-lifetime,record)
else
call('SET',key,record,'PX',life)
end
end
local policies,arg={ 0,0,0,0,0 },1+2
while ARGV[arg] and not tonumber(ARGV[arg]) do
local algorithm,judge=ARGV[arg]
if algorithm=='fixed-window' then
if not read_counter then
local EPOCH,UNITS,LEAST_COUNTER=1735689600000,8192,281474976710656
local WIDE_UNITS,CYCLE=1048576,8589934592
local LARGEST_WIDE,LONGEST_WIDE=-WIDE_UNITS,CYCLE/64
function read_counter(counter,now)
if counter>=LEAST_COUNTER and counter<LARGEST then
local used=counter % UNITS
return (counter - used)/UNITS+EPOCH,used,UNITS
elseif counter<LARGEST_WIDE and counter>=-LARGEST then
local used=counter % WIDE_UNITS
local age=(now - (used - counter)/WIDE_UNITS) % CYCLE
if age>=CYCLE/2 then age=age - CYCLE end
return now - age,used,WIDE_UNITS
end
end
local function layout_for(start,used,window,least)
local counter=(start - EPOCH)*UNITS
if counter>=LEAST_COUNTER and counter<LARGEST - WIDE_UNITS then
if used<UNITS and least<=UNITS then return UNITS end
if used<WIDE_UNITS and window<=LONGEST_WIDE and start % CYCLE>=2 then return WIDE_UNITS end
end
return 0
end
local function in_layout(layout,start,used)
if layout==UNITS then return format('%.0f',(start - EPOCH)*UNITS+used) end
if layout==WIDE_UNITS then return format('%.0f',used - start % CYCLE*WIDE_UNITS) end
return pack('<ddd',0,start,used)
end
function fixed_window(key,limit,window,burst,cost,now,life,cost_text)
local start,used,moved,layout=now,0,false,nil
local found,counter,charged
if cost>0 and cost<=limit and limit<WIDE_UNITS then
local sum=lone_sum or pcall_redis('INCRBY',key,cost_text)
charged=type(sum)=='number'
if charged then
local began,kept=read_counter(sum,now)
if began then
local until_end=began+window - now
if kept>=cost and kept<=limit and until_end>0 and until_end<=2*window then
return limit - kept,until_end,0,CHARGED
end
end
counter=sum<LARGEST and sum - cost or LARGEST
end
end
if not charged then
found=pcall_redis('GET',key)
counter=found and tonumber(found)
end
local state_start,state_used,state_layout
if counter and counter % 1==0 then state_start,state_used,state_layout=read_counter(counter,now) end
if not state_start and found then
local tag
tag,state_start,state_used=read_record(found,24,'<ddd')
if tag==0 then state_layout=0 else state_start=nil end
end
if state_start then
local elapsed=now - state_start
moved=elapsed<-window
if moved then
used=state_used
elseif elapsed<window then
start,used,layout=state_start,state_used,state_layout
end
end
local kept,until_end=used,start+window - now
local reset_after,retry_after=0,0
local allowed=cost<=limit - used or cost<=0
if allowed then
kept=max(0,used+cost)
elseif cost>limit then
retry_after=-1
else
retry_after=until_end
end
if kept>0 and limit>0 then reset_after=until_end end
if charged and counter~=0 then call('INCRBY',key,-cost) end
local record,lifetime
if kept==0 then
record=(counter or state_start) and NOTHING_LEFT
elseif moved or allowed and cost~=0 then
local fitting=layout_for(start,kept,window,layout or 0)
if fitting==layout and layout>0 then
record=ADD_COST
else
record=in_layout(fitting,start,kept)
if fitting~=layout then lifetime=until_end end
end
end
local is_open=layout or kept>0 and (cost>0 or not moved)
return max(0,limit - kept),reset_after,retry_after,record,lifetime,is_open and start+window
end
end
judge=fixed_window
elseif algorithm=='sliding-window' then
if not sliding_window then
local function sliding_window_wait(limit,window,current,previous,units,start,now)
local room=(limit - current - units)*window
if room>=0 then return start+window - floor(room/previous) - now end
return start+2*window - floor((limit - units)*window/current) - now
end
function sliding_window(key,limit,window,burst,cost,now)
local start,current,previous,moved=now,0,0,false
local found=pcall_redis('GET',key)
local state_start,state_current,state_previous=read_record(found,24,'<ddd')
if state_start then
local elapsed=now - state_start
moved=elapsed<-window
if moved then
current,previous=state_current,state_previous
elseif elapsed<window then
start,current,previous=state_start,state_current,state_previous
elseif elapsed<2*window and state_current>0 then
start,previous=state_start+window,state_current
end
end
local left,weight=start+window - now,0
if left>window then left=window end
if previous>0 then weight=ceil(previous*left/window) end
local allowed=cost<=limit - current - weight or cost<=0
local kept_current,kept_previous,kept_weight=current,previous,weight
if allowed then
kept_current=current+cost
if kept_current<0 then
kept_current,kept_previous=0,max(0,previous+kept_current)
kept_weight=ceil(kept_previous*left/window)
end
end
local full=kept_current==0 and kept_previous==0
local remaining=limit - kept_current - kept_weight
if remaining<0 then remaining=0 end
local reset_after,retry_after=0,0
if not full and limit>0 then
reset_after=sliding_window_wait(limit,window,kept_current,kept_previous,remaining+1,start,now)
end
if not allowed then
if cost>limit then
retry_after=-1
else
retry_after=sliding_window_wait(limit,window,current,previous,cost,start,now)
end
end
local record,lifetime
if full then
record=state_start and NOTHING_LEFT
elseif moved or allowed and cost~=0 then
record=pack('<ddd',start,kept_current,kept_previous)
lifetime=start~=state_start and start+2*window - now
end
return remaining,reset_after,retry_after,record,lifetime,not full and (cost>0 or not moved) and start
end
function sliding_window_correct(key,window,mark,delta)
local start,current,previous=read_record(pcall_redis('GET',key),24,'<ddd')
if not start or start - now>window or now>=mark+2*window or now>=start+2*window then return end
if start==mark then
current=max(0,current+delta)
elseif start==mark+window then
previous=max(0,previous+delta)
else
return
end
if current==0 and previous==0 then
call('DEL',key)
else
call('SETRANGE',key,'0',pack('<ddd',start,current,previous))
end
end
end
judge=sliding_window
elseif algorithm=='sliding-log' then
if not sliding_log then
local HEAD,NARROW,WIDE='<dddd','<I4I4','<I6I7'
local HEAD_SIZE,NARROW_SIZE,WIDE_SIZE=32,8,13
local NARROW_LIMIT,WIDE_LIMIT=4294967296,4503599627370496
local NEAR,LAST_NEAR=352,'351'
local BEHIND=8
local base,entry,entry_size
local function use_base(from)
base=from
if base>0 then
entry,entry_size=NARROW,NARROW_SIZE
else
entry,entry_size=WIDE,WIDE_SIZE
end
end
local function log_entry(key,log,index)
local first=HEAD_SIZE+entry_size*index
local at,sum
if first+entry_size<=#log then
at,sum=unpack_record(entry,log,first+1)
else
at,sum=unpack_record(entry,call('GETRANGE',key,first,first+entry_size - 1))
end
return base+at,sum
end
local function log_search(key,log,from,to,by_time,threshold)
local step,is_near=1,true
while from<to do
local probe=is_near and min(from+step,to) - 1 or floor((from+to)/2)
local at,sum=log_entry(key,log,probe)
if (by_time and at or sum)>threshold then
to,is_near=probe,false
else
from,step=probe+1,2*step
end
end
return from
end
local function log_unit(key,log,live,entries,sum)
return (log_entry(key,log,log_search(key,log,live,entries,false,sum - 1)))
end
local function read_log(key)
local log=pcall_redis('GETRANGE',key,'0',LAST_NEAR)
if type(log)=='table' then
refuse_unless_foreign(log)
return '',0
end
local size,tail=#log,log
if size<=HEAD_SIZE then return '',0 end
local dead,before,until_then,from=unpack_record(HEAD,log)
if
not (dead>=0 and dead % 1==0 and before>=0 and before % 1==0 and until_then>0 and until_then<LARGEST
and from>=0 and from<LARGEST and from % 1==0)
then
return '',0
end
use_base(from)
if size==NEAR then
size=call('STRLEN',key)
if size>NEAR then tail=call('GETRANGE',key,size - entry_size,size - 1) end
end
local entries=(size - HEAD_SIZE)/entry_size
if entries % 1~=0 or dead>=entries then return '',0 end
local last,total=unpack_record(entry,tail,#tail - entry_size+1)
if total<=before or total>=LARGEST then return '',0 end
return log,size,dead,before,until_then,base+last,total
end
local function log_body(key,log,size,from)
local first=HEAD_SIZE+entry_size*from
if #log==size then return string.sub(log,first+1) end
return call('GETRANGE',key,first,size - 1)
end
local function log_rebase(body,before,to)
local old_base,old_entry,old_size,texts=base,entry,entry_size,{}
use_base(to)
for first=1,#body,old_size do
local at,sum=unpack_record(old_entry,body,first)
texts[#texts+1]=pack(entry,old_base+at - base,sum - before)
end
return table.concat(texts)
end
function sliding_log(key,limit,window,burst,cost,now,life)
local log,size,dead,before,until_then,last,total=read_log(key)
local entries,live,first=0,0,now
if size==0 then
before,last,total=0,now,0
else
local threshold=max(now,last) - window
entries=(size - HEAD_SIZE)/entry_size
if last<=threshold then
live,before=entries,total
else
first,live=log_entry(key,log,dead),dead
if first<=threshold then
live=log_search(key,log,dead+1,entries,true,threshold)
before=select(2,log_entry(key,log,live - 1))
first=log_entry(key,log,live)
end
end
end
local at,used,moved=max(now,last),max(0,total - before),last - now>window
if moved then at,first=now,now end
local allowed=cost<=0 or cost<=limit - used
local kept=used
if allowed then kept=max(0,used+cost) end
local remaining=max(0,limit - kept)
local reset_after,retry_after=0,0
if kept>0 and limit>0 then
local units=kept+remaining+1 - limit
local freed=units>used and at or first
if units>1 and units<=used and not moved then freed=log_unit(key,log,live,entries,before+units) end
reset_after=freed+window - now
end
if not allowed then
local units=used+cost - limit
if cost>limit then
retry_after=-1
elseif units>1 and not moved then
retry_after=log_unit(key,log,live,entries,before+units)+window - now
else
retry_after=first+window - now
end
end
local record,lifetime
if kept==0 then
record=size>0 and NOTHING_LEFT
elseif moved or allowed and cost~=0 then
local is_narrow=window<NARROW_LIMIT/2 and kept<NARROW_LIMIT/2
local most=size>0 and base>0 and NARROW_LIMIT or WIDE_LIMIT
local fits=size>0 and total+cost<most and (base==0 or at - base<most)
if cost>0 and fits and not moved and until_then>=at+window and (live<BEHIND or 2*live<entries - live) then
if live - dead>=BEHIND then pcall_redis('SETRANGE',key,'0',pack(HEAD,live,before,until_then,base)) end
record,lifetime=pack(entry,at - base,total+cost),at>last and -size or entry_size - size
else
local body=''
if not moved and live<entries then body=log_body(key,log,size,live) end
if body=='' then
use_base(is_narrow and at or 0)
before,body=0,pack(entry,at - base,kept)
elseif cost<0 then
local newest=log_search(key,log,live,entries,false,total+cost - 1)
body=string.sub(body,1,entry_size*(newest - live))
.. pack(entry,log_entry(key,log,newest) - base,total+cost)
else
if not fits then
body=log_rebase(body,before,is_narrow and first or 0)
before,total=0,used
end
if at==last then body=string.sub(body,1,-entry_size - 1) end
body=body .. pack(entry,at - base,total+cost)
end
lifetime=max(life,at - now+window+ceil(window/4))
record=pack(HEAD,0,before,now+lifetime,base) .. body
end
end
local newest=(moved or allowed and cost>0) and at or last
return remaining,reset_after,retry_after,record,lifetime,kept>0 and newest
end
function sliding_log_correct(key,window,mark,delta,at)
local log,size,dead,before,_,last=read_log(key)
if size==0 then return end
local threshold=max(now,last) - window
if mark<=threshold then return end
local entries,texts,sum_before,sum_after,is_found=(size - HEAD_SIZE)/entry_size,{},before,0,false
local body,its_base,its_entry,its_size=log_body(key,log,size,dead),base,entry,entry_size
local times,units={},{}
for i=1,entries - dead do
local time,sum=unpack_record(its_entry,body,its_size*(i - 1)+1)
time=its_base+time
if time>threshold then
local more=sum - sum_before
if time==mark then
more,is_found=max(0,more+delta),true
end
if more>0 then times[#times+1],units[#units+1]=time,more end
end
sum_before=sum
end
if not is_found then return end
if #times==0 then
call('DEL',key)
return
end
local kept=0
for i=1,#units do kept=kept+units[i] end
use_base(window<NARROW_LIMIT/2 and kept<NARROW_LIMIT/2 and times[1] or 0)
for i=1,#times do
sum_after=sum_after+units[i]
texts[i]=pack(entry,times[i] - base,sum_after)
end
local lifetime=max(policies[at+4],times[#times] - now+window+ceil(window/4))
write_record(key,pack(HEAD,0,0,now+lifetime,base) .. table.concat(texts),lifetime,at,'0')
end
end
judge=sliding_log
elseif algorithm=='token-bucket' or algorithm=='gcra' then
if not token_bucket then
function token_bucket(key,limit,window,burst,cost,now,life)
local capacity=0
if limit>0 then capacity=burst*window end
local at,debt,moved=now,0,false
local found=pcall_redis('GET',key)
local state_debt,state_at,until_then=read_record(found,24,'<ddd')
if state_at then
local elapsed=now - state_at
moved=elapsed<-window
debt=state_debt
if elapsed>0 then
debt=state_debt - elapsed*limit
if debt<0 then debt=0 end
elseif elapsed<0 and not moved then
at=state_at
end
end
local weight=cost*window
local allowed=cost<=0 or weight<=capacity - debt
local kept,ahead=debt,at - now
if allowed then kept=debt+weight end
if kept<0 then kept=0 end
local remaining=floor((capacity - kept)/window)
if remaining<0 then remaining=0 end
local reset_after,retry_after=0,0
if kept>0 and capacity>0 then
reset_after=ahead+ceil((kept - capacity+(remaining+1)*window)/limit)
end
if not allowed then
if weight>capacity then
retry_after=-1
else
retry_after=ahead+ceil((debt - capacity+weight)/limit)
end
end
local record,lifetime
if kept==0 then
record=state_at and NOTHING_LEFT
elseif moved or allowed and cost~=0 then
lifetime=window
if limit>0 then lifetime=ceil(kept/limit) end
lifetime=ahead+lifetime
if until_then and until_then - now>=lifetime then
lifetime=KEEP_TTL
else
until_then=now+max(life,lifetime)
end
record=pack('<ddd',kept,at,until_then)
end
return remaining,reset_after,retry_after,record,lifetime
end
end
judge=token_bucket
elseif algorithm=='concurrency' then
if not concurrency then
function concurrency(key,limit,lease,burst,cost,now)
local after,far=format('(%.0f',now),format('(%.0f',now+lease)
local used=pcall_redis('ZCOUNT',key,after,'+inf')
if type(used)=='table' then
refuse_unless_foreign(used)
used=0
elseif used>0 then
for _,id in ipairs(call('ZRANGEBYSCORE',key,far,'+inf','LIMIT','0','1000')) do call('ZADD',key,now+lease,id) end
end
local allowed=cost<=0 or cost<=limit - used
if allowed then return max(0,limit - used - max(0,cost)),0,0 end
if cost>limit then return max(0,limit - used),0,-1 end
local soonest=call('ZRANGEBYSCORE',key,after,'+inf','WITHSCORES','LIMIT','0','1')
return max(0,limit - used),0,min(LONGEST_GUESS,soonest[2] - now)
end
function take_slot(key,id,expires,life)
local written=pcall_redis('ZADD',key,expires,id)
if type(written)=='table' then
refuse_unless_foreign(written)
call('DEL',key)
call('ZADD',key,expires,id)
end
call('ZREMRANGEBYSCORE',key,'-inf',now)
if call('PTTL',key)<tonumber(life) then call('PEXPIRE',key,life) end
end
function free_slot(key,id)
local expires=pcall_redis('ZSCORE',key,id)
if not expires or type(expires)=='table' then return 0 end
call('ZREM',key,id)
return tonumber(expires)>now and 1 or 0
end
function renew_slot(key,id,expires,life)
local known=pcall_redis('ZSCORE',key,id)
if not known or type(known)=='table' or tonumber(known)<=now then return 0 end
call('ZADD',key,expires,id)
if call('PTTL',key)<tonumber(life) then call('PEXPIRE',key,life) end
return 1
end
end
judge=concurrency
elseif algorithm=='calendar-window' then
if not calendar_window then
local EPOCH,UNITS,LEAST_COUNTER=1735689600000,4194304,70368744177664
local function end_at(bounds,now)
local start,middle,stop=string.match(bounds,'(%S+) (%S+) (%S+)')
if now<start*1000 or now>=stop*1000 then return nil end
return (now<middle*1000 and middle or stop)*1000
end
function calendar_window(key,limit,longest,bounds,cost,now,life,cost_text)
local ending,used,moved,layout=nil,0,false,nil
local found,counter,charged
if cost>0 and cost<=limit and limit<UNITS then
local sum=lone_sum or pcall_redis('INCRBY',key,cost_text)
charged=type(sum)=='number'
if charged then
if sum>=LEAST_COUNTER and sum<LARGEST then
local kept=sum % UNITS
local until_end=(sum - kept)/UNITS*1000+EPOCH - now
if kept>=cost and kept<=limit and until_end>0 and until_end<=longest then
return limit - kept,until_end,0,CHARGED
end
end
counter=sum<LARGEST and sum - cost or LARGEST
end
end
if not charged then
found=pcall_redis('GET',key)
counter=found and tonumber(found)
end
local state_end,state_used,state_layout
if counter and counter % 1==0 and counter>=LEAST_COUNTER and counter<LARGEST then
state_used,state_layout=counter % UNITS,UNITS
state_end=(counter - state_used)/UNITS*1000+EPOCH
elseif found then
local tag
tag,state_end,state_used=read_record(found,24,'<ddd')
if tag==0 then state_layout=0 else state_end=nil end
end
if state_end then
moved=state_end - now>longest
if moved then
used=state_used
elseif now<state_end then
ending,used,layout=state_end,state_used,state_layout
end
end
local kept,reset_after,retry_after=used,0,0
local allowed=cost<=limit - used or cost<=0
if allowed then kept=max(0,used+cost) end
local is_elsewhere=kept>0 and not ending
if is_elsewhere then
ending=end_at(bounds,now)
is_elsewhere=not ending
end
if charged and counter~=0 then call('INCRBY',key,-cost) end
if is_elsewhere then
if charged and counter==0 then call('DEL',key) end
some_late=true
return -1,-1,-1
end
if not allowed then retry_after=cost>limit and -1 or ending - now end
if kept>0 and limit>0 then reset_after=ending - now end
local record
if kept==0 then
record=(counter or state_end) and NOTHING_LEFT
elseif moved or allowed and cost~=0 then
local first=(ending - EPOCH)/1000*UNITS
local is_counter=kept<UNITS and first % UNITS==0 and first>=LEAST_COUNTER and first<LARGEST - 2*UNITS
if not is_counter then
record=pack('<ddd',0,ending,kept)
elseif layout==UNITS then
record=ADD_COST
else
record=format('%.0f',first+kept)
end
end
local is_open=layout or kept>0 and (cost>0 or not moved)
return max(0,limit - kept),reset_after,retry_after,record,record and ending and ending - now,is_open and ending
end
end
judge=calendar_window
else
return redis.error_reply('ERR unknown algorithm "' .. algorithm .. '"')
end
policies[arg - 2]=judge
for i=arg+1,arg+5 - 1 do policies[i - 2]=tonumber(ARGV[i]) or ARGV[i] end
arg=arg+5
end
local function inspect(key,longest)
local left=call('PTTL',key)
if left==-1 or left>100*longest then call('PEXPIRE',key,longest) end
end
if #KEYS==1 and not ARGV[arg] then
local key,life=KEYS[1],policies[1+4]
local remaining,reset_after,retry_after,record,lifetime=policies[1](key,policies[1+1],
policies[1+2],policies[1+3],1,now,life,'1')
if some_late then return pack('<d',server) end
if record and record~=CHARGED then write_record(key,record,lifetime,1,'1') end
if microseconds % 16==0 then inspect(key,max(life,policies[1+2])) end
return pack('<dddd',server,remaining,reset_after,retry_after)
end
local reply,answered,key,is_late={ server,0,0,0 },1,0,false
local drawn,inspected=1+microseconds % #KEYS
local opcode,count=tonumber(ARGV[arg]),tonumber(ARGV[arg+1])
if not opcode then opcode,count=2,#KEYS end
while opcode do
arg=arg+2
local before=answered
if opcode==2 or opcode==8 then
if drawn>key and drawn<=key+count then inspected=KEYS[drawn] end
if is_late then
answered=answered+3*count
else
local policy,cost_text=ARGV[arg+0] or 1,ARGV[arg+1] or '1'
local at,cost=5*(policy - 1)+1,tonumber(cost_text)
local judge,limit,window,burst,life=policies[at],policies[at+1],
policies[at+2],policies[at+3],policies[at+4]
local is_each,first=opcode==8,key+1
for i=first,key+count do
if is_each and i>first then
at=at+5
judge,limit,window,burst,life=policies[at],policies[at+1],
policies[at+2],policies[at+3],policies[at+4]
end
local remaining,reset_after,retry_after,record,lifetime=
judge(KEYS[i],limit,window,burst,cost,now,life,cost_text)
reply[answered+(1+0)]=remaining
reply[answered+(1+1)]=reset_after
reply[answered+(1+2)]=retry_after
answered=answered+3
if record and record~=CHARGED then write_record(KEYS[i],record,lifetime,at,cost_text) end
end
end
arg,key=arg+2,key+count
elseif opcode==1 then
is_late=not_after and server>not_after - count
else
local run
if not run_judge and (opcode==3 or opcode==4 or opcode==12) then
function run_judge(opcode,arg,count,key,answered,is_late)
local hits,is_whole,has_rules=tonumber(ARGV[arg+0]),opcode==12,opcode~=3
arg=arg+1
local places,costs,texts,offsets,blocks={},{},{},{},{}
local claims=is_whole and {}
local keys,numbers=hits,0
for n=1,hits do
local at,text=5*(ARGV[arg+0] - 1)+1,ARGV[arg+1]
places[n],costs[n],texts[n],offsets[n]=at,tonumber(text),text,numbers+1
numbers,arg=numbers+3,arg+2
if has_rules then
local rule=ARGV[arg+0]
if rule~='' then
keys,numbers=keys+1,numbers+1
blocks[n]=new_block(rule)
blocks[n].place=keys
end
arg=arg+1
end
if is_whole then
local claim=new_claim(at,costs[n],text,arg)
if claim.has_holds then keys=keys+1 end
claims[n],claim.place,claim.answer=claim,keys,numbers+1+0
arg,numbers=arg+6,numbers+1
end
end
local past=drawn - key - 1
if past>=0 and past<count*keys then inspected=KEYS[drawn - past % keys+past % keys % hits] end
local next_id
if is_whole then
next_id,arg=string.gmatch(ARGV[arg],'%S+'),arg+1
end
if is_late then return arg,key+count*keys,answered+count*numbers end
local records,lifetimes={},{}
for _=1,count do
local all_allowed,is_elsewhere,id=true,false,is_whole and next_id()
for n=1,hits do
local at,to,block,claim,is_blocked=places[n],answered+offsets[n],blocks[n],is_whole and claims[n],false
local remaining,reset_after,retry_after
if block then
is_blocked=read_block(block,KEYS[key+block.place])>0 and costs[n]>0
and not (claim and claim.grace=='record')
end
if is_blocked then
remaining,reset_after,retry_after=look(KEYS[key+n],at,costs[n],texts[n])
records[n]=nil
if claim then forget_request(claim) end
elseif claim then
remaining,reset_after,retry_after,records[n],lifetimes[n]=
judge_claim(claim,KEYS[key+n],KEYS[key+claim.place])
else
remaining,reset_after,retry_after,records[n],lifetimes[n]=policies[at](KEYS[key+n],
policies[at+1],policies[at+2],policies[at+3],
costs[n],now,policies[at+4],texts[n])
end
if is_blocked or retry_after~=0 then all_allowed=false end
if remaining==-1 then is_elsewhere=true end
reply[to+0]=remaining
reply[to+1]=reset_after
reply[to+2]=retry_after
if block then reply[to+3+0]=block.left end
if claim then reply[answered+claim.answer]=claim.aside end
end
for n=1,hits do
local at,to,block,claim,charged=places[n],answered+offsets[n],blocks[n],is_whole and claims[n],texts[n]
local is_graced=claim and claim.is_graced
local is_blocked=block and block.left>0 and costs[n]>0 and not is_graced
if claim then charged=claim.charged end
if not all_allowed and reply[to+2]==0 and not is_blocked then
charged=records[n]==CHARGED and -charged or 0
reply[to+0],reply[to+1],_,records[n],lifetimes[n]=
policies[at](KEYS[key+n],policies[at+1],policies[at+2],
policies[at+3],charged,now,policies[at+4])
if claim then claim.aside,reply[answered+claim.answer]=0,0 end
end
local record=records[n]
if record and record~=CHARGED then write_record(KEYS[key+n],record,lifetimes[n],at,charged) end
if claim and all_allowed then
local until_end=record==CHARGED and reply[to+1]
local remaining,reset_after=finish_claim(claim,KEYS[key+n],KEYS[key+claim.place],id,until_end)
if is_graced then reply[to+0],reply[to+1]=remaining,reset_after end
end
if block and not is_elsewhere then
local may_begin=not claim or claim.aside==0 and claim.grace==''
answer_with_block(block,is_blocked,may_begin,policies[at+1],is_graced and 0 or costs[n],to)
end
end
key,answered=key+keys,answered+numbers
if is_elsewhere then
for i=answered - numbers+1,answered do reply[i]=-1 end
end
end
return arg,key,answered
end
end
if not new_block and (opcode==4 or opcode==12 or opcode==5 or opcode==9) then
function new_block(rule)
local block,number={ spans={} },string.gmatch(rule,'%d+')
block.shortest_life,block.extend,block.forget_after=tonumber(number()),number()=='1',tonumber(number())
for span in number do block.spans[#block.spans+1]=tonumber(span) end
return block
end
local function life_of(block,start,span)
return max(block.shortest_life,start+span+block.forget_after - now)
end
function write_block(block,start,span,step)
local life=format('%.0f',life_of(block,start,span))
local written=pcall_redis('SET',block.key,pack('<ddd',start,span,step),'PX',life)
return not (type(written)=='table' and written.err)
end
function read_block(block,key)
block.key,block.start,block.span,block.step,block.left=key,nil,0,0,0
local found=pcall_redis('GET',key)
if not found then return 0 end
local start,span,step=read_record(found,24,'<ddd')
if not start then
call('DEL',key)
return 0
end
if start - now>span then
start=now
write_block(block,start,span,step)
end
local life,left=max(1,life_of(block,start,span)),call('PTTL',key)
if left==-1 or left>100*life then call('PEXPIRE',key,format('%.0f',life)) end
if start+span+block.forget_after>now then block.step=step end
block.start,block.span,block.left=start,span,max(0,start+span - now)
return block.left
end
function look(key,at,cost,cost_text)
local judge,limit,window,burst,life=policies[at],policies[at+1],
policies[at+2],policies[at+3],policies[at+4]
local remaining,reset_after,_,record,lifetime=judge(key,limit,window,burst,0,now,life,'0')
if record and record~=CHARGED then write_record(key,record,lifetime,at,'0') end
local wait,most=0,limit>0 and (tonumber(burst) or limit) or 0
if cost>most then
wait=-1
elseif cost==remaining+1 then
wait=reset_after
elseif cost>remaining then
_,_,wait=judge(key,limit,window,burst,cost,now,life,cost_text)
end
return remaining,reset_after,wait
end
function begin_block(block)
local spans=block.spans
local step=min(block.step+1,#spans)
if spans[step]>0 and write_block(block,now,spans[step],step) then return spans[step] end
return 0
end
function answer_with_block(block,is_blocked,may_begin,limit,cost,to)
local remaining,reset_after,retry_after=
to+0,to+1,to+2
local left,begun=block.left,false
if is_blocked then
if block.extend and reply[retry_after]>=0 and now>block.start
and write_block(block,now,block.span,block.step)
then
left=block.span
end
elseif may_begin and reply[retry_after]>0 then
left=begin_block(block)
begun=true
end
if left>0 then
if limit==0 then
reply[reset_after]=0
elseif reply[remaining]>0 then
reply[reset_after]=left
else
reply[reset_after]=max(left,reply[reset_after])
end
reply[remaining]=0
if cost>0 and reply[retry_after]>=0 then reply[retry_after]=max(left,reply[retry_after]) end
end
reply[to+3+0]=begun and -left or left
end
end
if not keep_hold and (opcode==12 or opcode==9 or opcode==10 or opcode==11) then
function keep_hold(holds,id,record,field_life,key_life)
write_hold(holds,id,record,field_life)
call('PEXPIRE',holds,key_life)
if not HAS_FIELD_EXPIRY and microseconds % 16==0 then
local some=call('HRANDFIELD',holds,'8','WITHVALUES')
for i=2,#some,2 do
local _,_,_,kept_until=read_hold(some[i])
if not kept_until or kept_until<=now then call('HDEL',holds,some[i - 1]) end
end
end
end
function write_hold(holds,id,record,life)
local written
if HAS_FIELD_EXPIRY then
written=pcall_redis('HSETEX',holds,'PX',life,'FIELDS','1',id,record)
else
written=pcall_redis('HSET',holds,id,record)
end
if type(written)~='table' then return end
refuse_unless_foreign(written)
call('DEL',holds)
write_hold(holds,id,record,life)
end
function scan_holds(holds,see)
local cursor,seen,is_enough='0',0,false
repeat
local page=call('HSCAN',holds,cursor,'COUNT','100')
cursor=page[1]
for i=2,#page[2],2 do
is_enough=see(page[2][i - 1],read_hold(page[2][i]))
seen=seen+1
end
until cursor=='0' or seen>=250 or is_enough
end
function read_hold(found)
if type(found)=='table' then
refuse_unless_foreign(found)
elseif found and #found==32 then
local expires,mark,cost,kept_until=unpack_record('<dddd',found)
if
expires>=0 and expires % 1==0 and expires<=kept_until and kept_until<LARGEST and kept_until % 1==0
and mark>=NO_MARK and mark<LARGEST and mark % 1==0 and cost>=0 and cost<LARGEST and cost % 1==0
then
return expires,mark,cost,kept_until
end
end
end
end
if not with_room and (opcode==12 or opcode==9 or opcode==11) then
local function has_marks(at)
local algorithm=algorithm_at(at)
return algorithm~='token-bucket' and algorithm~='gcra'
end
function with_room(at,units)
local limit,burst=policies[at+1],policies[at+3]
if has_marks(at) then return limit+units,burst end
return limit,burst+units
end
function room_of(key,at,debt)
local limit,burst=with_room(at,debt)
local room,_,_,_,_,present=
policies[at](key,limit,policies[at+2],burst,0,now,policies[at+4],'0')
return room,present
end
function record_hit(key,at,cost,debt)
local units=min(cost,max(0,(room_of(key,at,debt))))
local limit,burst=with_room(at,debt)
local text=format('%.0f',units)
local remaining,reset_after,_,record,lifetime,mark=policies[at](key,limit,policies[at+2],
burst,units,now,policies[at+4],text)
return remaining,reset_after,record,lifetime,mark,text
end
function counting(at,present,mark,cost)
local algorithm,window=algorithm_at(at),policies[at+2]
if not has_marks(at) then return cost end
if not present then return 0 end
if algorithm=='sliding-log' then return mark>max(now,present) - window and cost or 0 end
if mark==present then return cost end
if algorithm~='sliding-window' or mark+window~=present then return 0 end
return floor(cost*max(0,min(window,present+window - now))/window)
end
function correct(key,at,mark,delta,debt)
local algorithm,window,belongs=algorithm_at(at),policies[at+2],has_marks(at)
local has_mark,present=belongs and mark>=0
if delta>0 then
local room
room,present=room_of(key,at,debt)
if room==-1 then return room end
delta=min(delta,max(0,room))
if delta==0 or has_mark and not present then return end
end
if has_mark and algorithm=='sliding-window' then return sliding_window_correct(key,window,mark,delta) end
if has_mark and algorithm=='sliding-log' then return sliding_log_correct(key,window,mark,delta,at) end
if delta>0 and has_mark and present~=mark then return end
local limit,burst=with_room(at,debt)
local text=format('%.0f',delta)
local remaining,_,_,record,lifetime,charged=
policies[at](key,limit,window,burst,delta,now,policies[at+4],text)
if remaining==-1 then return remaining end
if delta<0 and belongs and charged~=mark then return end
if record and record~=CHARGED then write_record(key,record,lifetime,at,text) end
end
end
if not beside_holds and (opcode==12 or opcode==11) then
function beside_holds(key,holds,at,cost,cost_text,debt,remaining,reset_after,retry_after,record,lifetime)
local length=pcall_redis('HLEN',holds)
if type(length)=='table' then refuse_unless_foreign(length) end
if length==0 or type(length)=='table' then return remaining,reset_after,retry_after,record,lifetime,nil,0 end
local room,present=room_of(key,at,debt)
local pending,gave,mark=0,false,nil
scan_holds(holds,function(id,expires,its_mark,held,kept_until)
if not kept_until or kept_until<=now then
call('HDEL',holds,id)
elseif expires>now then
pending=pending+counting(at,present,its_mark,held)
else
correct(key,at,its_mark,-held,debt)
call('HDEL',holds,id)
gave=true
end
return cost<=room - debt+pending
end)
if gave then
remaining,reset_after,retry_after,record,lifetime,mark=policies[at](key,policies[at+1],
policies[at+2],policies[at+3],cost,now,policies[at+4],
cost_text)
room=room_of(key,at,debt)
end
if retry_after>0 and cost<=room - debt+pending then
return remaining,reset_after,min(LONGEST_GUESS,retry_after),record,lifetime,mark,GUESS
end
return remaining,reset_after,retry_after,record,lifetime,mark,0
end
end
if not new_claim and (opcode==12) then
function new_claim(at,cost,cost_text,from)
local ttl=ARGV[from+0]
local claim={ at=at,cost=cost,cost_text=cost_text,from=from }
claim.debt,claim.grace=tonumber(ARGV[from+4]),ARGV[from+5]
claim.is_slot=algorithm_at(at)=='concurrency'
claim.is_held,claim.has_holds=tonumber(ttl)~=nil,ttl~='' and not claim.is_slot
forget_request(claim)
return claim
end
function forget_request(claim)
claim.charged,claim.mark,claim.is_graced,claim.aside=claim.cost_text,nil,false,0
end
local function charge_ahead(claim,key,wait)
local at=claim.at
local limit,window=policies[at+1],policies[at+2]
local _,burst=with_room(at,ceil(wait*limit/window))
local _,_,_,record,lifetime,mark=
policies[at](key,limit,window,burst,claim.cost,now,policies[at+4],claim.cost_text)
return record,lifetime,mark
end
function judge_claim(claim,key,holds)
local at,cost,grace=claim.at,claim.cost,claim.grace
local remaining,reset_after,retry_after,record,lifetime
forget_request(claim)
if grace=='record' and cost>0 then
claim.is_graced=true
remaining,reset_after,record,lifetime,claim.mark,claim.charged=record_hit(key,at,cost,claim.debt)
return remaining,reset_after,0,record,lifetime
end
remaining,reset_after,retry_after,record,lifetime,claim.mark=policies[at](key,policies[at+1],
policies[at+2],policies[at+3],cost,now,policies[at+4],
claim.cost_text)
if retry_after<=0 then return remaining,reset_after,retry_after,record,lifetime end
if grace~='' and retry_after<=tonumber(grace) then
claim.is_graced,claim.aside=true,retry_after
record,lifetime,claim.mark=charge_ahead(claim,key,retry_after)
return remaining,reset_after,0,record,lifetime
end
if claim.is_slot then
claim.aside=GUESS
elseif claim.has_holds then
remaining,reset_after,retry_after,record,lifetime,claim.mark,claim.aside=beside_holds(key,holds,at,cost,
claim.cost_text,claim.debt,remaining,reset_after,retry_after,record,lifetime)
end
return remaining,reset_after,retry_after,record,lifetime
end
local function hold_charge(claim,key,holds,id,until_end)
local from=claim.from
local charged,expires=tonumber(claim.charged),now+ARGV[from+0]
local field_life=ARGV[from+2]
if claim.is_slot then
if charged>0 then take_slot(key,id,expires,field_life) end
return
end
local mark=charged>0 and (claim.mark or until_end and now+until_end) or NO_MARK
local record=pack('<dddd',expires,mark,charged,now+ARGV[from+1])
keep_hold(holds,id,record,field_life,ARGV[from+3])
end
function finish_claim(claim,key,holds,id,until_end)
local at=claim.at
if claim.is_held then hold_charge(claim,key,holds,id,until_end) end
if claim.is_graced then
return policies[at](key,policies[at+1],policies[at+2],
policies[at+3],0,now,policies[at+4],'0')
end
end
end
if not run_impose and (opcode==5) then
function run_impose(_,arg,count,key,answered,is_late)
if not is_late then
local at=5*(ARGV[arg+0] - 1)+1
local span,block=tonumber(ARGV[arg+1]),new_block(ARGV[arg+2])
for n=1,count do
local done=look(KEYS[key+2*n - 1],at,0,'0')
if done~=-1 then
read_block(block,KEYS[key+2*n])
done=write_block(block,now,span,block.step) and 1 or 0
end
reply[answered+n]=done
end
end
return arg+3,key+2*count,answered+1*count
end
end
if not run_forget and (opcode==6) then
function run_forget(_,arg,count,key,answered,is_late)
local keys=tonumber(ARGV[arg+0])
if not is_late then
for n=1,count do
call('DEL',unpack(KEYS,key+keys*(n - 1)+1,key+keys*n))
reply[answered+n]=1
end
end
return arg+1,key+keys*count,answered+1*count
end
end
if not run_read_clock and (opcode==7) then
function run_read_clock(_,arg,count,key,answered)
return arg,key+count,answered
end
end
if not run_settle and (opcode==9) then
local function is_corrected_at_once(key,at,mark,delta,debt)
if algorithm_at(at)~='fixed-window' then return false end
local limit,window=policies[at+1],policies[at+2]
local sum=pcall_redis('INCRBY',key,format('%.0f',delta))
if type(sum)~='number' then return false end
local began,used,units=read_counter(sum,now)
local is_its_window=began and began+window==mark and mark>now and began - now<=window
if is_its_window and used>0 and used - delta>=0 and used - delta<units and (delta<0 or used<=limit+debt) then
return true
end
if sum==delta then call('DEL',key) else call('INCRBY',key,format('%.0f',-delta)) end
return false
end
local function settle_hold(key,holds,at,id,cost,debt)
if algorithm_at(at)=='concurrency' then return free_slot(key,id) end
local expires,mark,held,kept_until=read_hold(pcall_redis('HGET',holds,id))
if not expires then return 0 end
local is_open=expires>now
if not is_open then cost=kept_until>now and 0 or held end
local delta=cost - held
if delta~=0 and not is_corrected_at_once(key,at,mark,delta,debt) then
if correct(key,at,mark,delta,debt)==-1 then return -1 end
end
call('HDEL',holds,id)
return is_open and 1 or 0,mark
end
local function block_if_gone(key,holds,at,mark,cost,debt,block,block_key)
if cost==0 or read_block(block,block_key)>0 then return 0 end
local room,present=room_of(key,at,debt)
if mark>=0 and counting(at,present,mark,cost)==0 then return 0 end
local free=room - debt
if free>0 or room==-1 then return 0 end
scan_holds(holds,function(_,expires,its_mark,held)
if expires and expires>now then free=free+counting(at,present,its_mark,held) end
return free>0
end)
return free<=0 and begin_block(block) or 0
end
function run_settle(_,arg,count,key,answered,is_late)
local at=5*(ARGV[arg+0] - 1)+1
local debt,rule=tonumber(ARGV[arg+1]),ARGV[arg+2]
local block=rule~='' and new_block(rule)
local keys=block and 3 or 2
arg=arg+3
if not is_late then
local n=0
for id,cost in string.gmatch(ARGV[arg],'(%S+) (%S+)') do
n,cost=n+1,tonumber(cost)
local state,holds=KEYS[key+keys*(n - 1)+1],KEYS[key+keys*(n - 1)+2]
local done,mark=settle_hold(state,holds,at,id,cost,debt)
local begun=0
if block and done==1 then begun=block_if_gone(state,holds,at,mark,cost,debt,block,KEYS[key+keys*n]) end
reply[answered+n]=begun>0 and -begun or done
end
end
return arg+1,key+keys*count,answered+1*count
end
end
if not run_renew and (opcode==10) then
function run_renew(_,arg,count,key,answered,is_late)
local at=5*(ARGV[arg+0] - 1)+1
local expires=now+ARGV[arg+1]
local field_life,key_life=ARGV[arg+2],ARGV[arg+3]
arg=arg+4
if not is_late then
local n=0
for id in string.gmatch(ARGV[arg],'%S+') do
n=n+1
local state,holds=KEYS[key+2*n - 1],KEYS[key+2*n]
if algorithm_at(at)=='concurrency' then
reply[answered+n]=renew_slot(state,id,expires,field_life)
else
local before,mark,cost,kept_until=read_hold(pcall_redis('HGET',holds,id))
local is_open=before and before>now
if is_open then
local keeps=kept_until - before
local life=keeps>0 and format('%.0f',tonumber(field_life)+keeps) or field_life
write_hold(holds,id,pack('<dddd',expires,mark,cost,expires+keeps),life)
call('PEXPIRE',holds,key_life)
end
reply[answered+n]=is_open and 1 or 0
end
end
end
return arg+1,key+2*count,answered+1*count
end
end
if not run_hold and (opcode==11) then
function run_hold(_,arg,count,key,answered,is_late)
local at,cost_text=5*(ARGV[arg+0] - 1)+1,ARGV[arg+1]
local holder,cost=arg+2,tonumber(cost_text)
local ids=holder+6
if drawn>key and drawn<=key+2*count then inspected=KEYS[drawn - (drawn - key - 1) % 2] end
if not is_late then
local judge,limit,window,burst,life=policies[at],policies[at+1],
policies[at+2],policies[at+3],policies[at+4]
local field_life,key_life=ARGV[holder+2],ARGV[holder+3]
local expires,kept_until=now+ARGV[holder+0],now+ARGV[holder+1]
local is_slot=algorithm_at(at)=='concurrency'
local next_id,last_mark,packed=string.gmatch(ARGV[ids],'%S+')
for n=1,count do
local state,holds,to=KEYS[key+2*n - 1],KEYS[key+2*n],answered+4*(n - 1)+1
local remaining,reset_after,retry_after,record,lifetime,mark=
judge(state,limit,window,burst,cost,now,life,cost_text)
local aside,id=0,next_id()
if retry_after>0 then
if is_slot then
aside=GUESS
else
remaining,reset_after,retry_after,record,lifetime,mark,aside=beside_holds(state,holds,at,cost,cost_text,
tonumber(ARGV[holder+4]),remaining,reset_after,retry_after,record,lifetime)
end
end
reply[to+0]=remaining
reply[to+1]=reset_after
reply[to+2]=retry_after
reply[to+3]=remaining==-1 and -1 or aside
if record and record~=CHARGED then write_record(state,record,lifetime,at,cost_text) end
if retry_after==0 then
if is_slot then
if cost>0 then take_slot(state,id,expires,field_life) end
else
mark=cost>0 and (mark or record==CHARGED and now+reset_after) or NO_MARK
if mark~=last_mark then last_mark,packed=mark,pack('<dddd',expires,mark,cost,kept_until) end
keep_hold(holds,id,packed,field_life,key_life)
end
end
end
end
return ids+1,key+2*count,answered+4*count
end
end
if opcode==3 then
run=run_judge
elseif opcode==4 then
run=run_judge
elseif opcode==12 then
run=run_judge
elseif opcode==5 then
run=run_impose
elseif opcode==6 then
run=run_forget
elseif opcode==7 then
run=run_read_clock
elseif opcode==9 then
run=run_settle
elseif opcode==10 then
run=run_renew
elseif opcode==11 then
run=run_hold
else
return redis.error_reply('ERR unknown opcode ' .. opcode)
end
arg,key,answered=run(opcode,arg,count,key,answered,is_late)
end
if is_late then
some_late=true
for i=before+1,answered do reply[i]=-1 end
end
opcode,count=tonumber(ARGV[arg]),tonumber(ARGV[arg+1])
end
if inspected then
local longest=0
for at=1,#policies,5 do
longest=max(longest,policies[at+4],policies[at+2])
end
inspect(inspected,longest)
end
if some_late then reply[1]=-server end
if answered==4 then return pack('<dddd',reply[1],reply[2],reply[3],reply[4]) end
local packed=''
for first=1,answered,600 do
local last=min(answered,first+599)
packed=packed .. pack('<' .. rep('d',last - first+1),unpack(reply,first,last))
end
return packed
`;
