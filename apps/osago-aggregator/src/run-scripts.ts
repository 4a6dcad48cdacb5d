/**
 * The Lua of `run-store.ts`. KEYS are, in one slot: the holders of the partition (a sorted set, by the end of their
 * leases), the holder of each of its runs (a hash), the commands that holders have not handled (a hash), the run (a
 * hash). Time is that of Redis, in milliseconds.
 */

const NOW = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local function isLive(holder)
    return holder and tonumber(redis.call('ZSCORE', KEYS[1], holder) or 0) > now
  end
  local function hold(request, holder, lease, ttl)
    redis.call('HSET', KEYS[2], request, holder)
    if not isLive(holder) then redis.call('ZADD', KEYS[1], now + lease, holder) end
    redis.call('EXPIRE', KEYS[1], ttl)
    redis.call('EXPIRE', KEYS[2], ttl)
  end`;

/** Returns 0: another pod drives it. 1: not known. Else the fence, and the run as it is stored. */
export const CLAIM = `${NOW}
  local request, holder, lease, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
  local known = redis.call('HGET', KEYS[2], request)
  if known ~= holder and isLive(known) then return 0 end
  if ARGV[5] == 'known' and redis.call('HEXISTS', KEYS[4], 'traceparent') == 0 then
    redis.call('HDEL', KEYS[2], request)
    return 1
  end
  local fence = math.max(tonumber(redis.call('HGET', KEYS[4], 'fence') or 0) + 1, now)
  fence = string.format('%.0f', fence)
  redis.call('HSET', KEYS[4], 'fence', fence)
  for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', KEYS[4], ttl)
  hold(request, holder, lease, ttl)
  return {fence, redis.call('HGETALL', KEYS[4])}`;

/** Returns 0: a newer holder has it. 2: not known, store it whole. 1: stored. */
export const SAVE = `${NOW}
  local request, holder, lease, ttl, fence = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
  if tonumber(redis.call('HGET', KEYS[4], 'fence') or 0) > tonumber(fence) then return 0 end
  if ARGV[6] == 'part' and redis.call('HEXISTS', KEYS[4], 'traceparent') == 0 then return 2 end
  redis.call('HSET', KEYS[4], 'fence', fence)
  for at = 8, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', KEYS[4], ttl)
  if ARGV[7] == 'over' then redis.call('HDEL', KEYS[2], request) else hold(request, holder, lease, ttl) end
  return 1`;

/** Returns 1: another pod drives the run and will hear of it. 0: it is for the one who asks. */
export const COMMAND = `${NOW}
  local request, holder, ttl, field, command = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
  if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('HSET', KEYS[4], field, command) end
  local known = redis.call('HGET', KEYS[2], request)
  if known == holder or not isLive(known) then return 0 end
  redis.call('HSET', KEYS[3], request .. ':' .. string.match(field, '%d+$'), command)
  redis.call('EXPIRE', KEYS[3], ttl)
  return 1`;

/** Returns whether another pod drives the run, and the run as it is stored. */
export const LOOK = `${NOW}
  local known = redis.call('HGET', KEYS[2], ARGV[1])
  return {(known ~= ARGV[2] and isLive(known)) and 1 or 0, redis.call('HGETALL', KEYS[4])}`;

/** Returns the time, whether the lease was still there, the mail, and the runs whose holders are gone. */
export const BEAT = `${NOW}
  local holder, lease, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3]
  for at = 6, #ARGV do redis.call('HDEL', KEYS[3], ARGV[at]) end
  local kept = redis.call('ZSCORE', KEYS[1], holder) and 1 or 0
  if ARGV[4] == 'holding' then
    redis.call('ZADD', KEYS[1], now + lease, holder)
    for key = 1, 3 do redis.call('EXPIRE', KEYS[key], ttl) end
  elseif kept == 1 then
    -- Whatever it holds by a claim whose answer it never got is an orphan.
    redis.call('ZADD', KEYS[1], 0, holder)
  end
  local mail = {}
  local letters = redis.call('HGETALL', KEYS[3])
  for at = 1, #letters, 2 do
    local request = string.match(letters[at], '^(.*):%d+$')
    if redis.call('HEXISTS', KEYS[2], request) == 1 then
      mail[#mail + 1] = letters[at]
      mail[#mail + 1] = letters[at + 1]
    else
      redis.call('HDEL', KEYS[3], letters[at])
    end
  end
  local orphans = {}
  local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
  if #gone > 0 then
    local runs = {}
    for _, name in ipairs(gone) do runs[name] = 0 end
    local held = redis.call('HGETALL', KEYS[2])
    for at = 1, #held, 2 do
      local count = runs[held[at + 1]]
      if count then
        runs[held[at + 1]] = count + 1
        if #orphans < tonumber(ARGV[5]) then orphans[#orphans + 1] = held[at] end
      end
    end
    for name, count in pairs(runs) do
      if count == 0 then redis.call('ZREM', KEYS[1], name) end
    end
  end
  return {string.format('%.0f', now), kept, mail, orphans}`;

/** The holder's lease is over from now on. */
export const RELEASE = `
  if redis.call('ZSCORE', KEYS[1], ARGV[1]) then redis.call('ZADD', KEYS[1], 0, ARGV[1]) end
  return 1`;
