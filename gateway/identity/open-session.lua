-- Opens a session and lists it among its account's, from which those that have expired are dropped, and
-- as many of those that would expire first as it takes to stay within the most an account may have.
--
-- KEYS   1: the session (hash)  2: the account's sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: session id  2: hash of the refresh secret  3: device, or empty  4: address
--        5: lifetime  6: idle lifetime, both in milliseconds  7: most sessions of an account
--        8: what a session's key begins with; the id follows. All lie on the slot of KEYS[2].
-- reply  when it expires in milliseconds, as text; then the ids of the sessions that were ended

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local as_text = function(number) return string.format('%.0f', number) end
local lifetime = tonumber(ARGV[5])
local left = math.min(lifetime, tonumber(ARGV[6]))

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'refreshHash', ARGV[2], 'device', ARGV[3], 'address', ARGV[4],
  'openedAtMs', as_text(now), 'lastSeenAtMs', as_text(now), 'endsAtMs', as_text(now + lifetime))
redis.call('PEXPIRE', KEYS[1], left)

local reply = { as_text(now + left) }
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
while redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) do
  local id = redis.call('ZPOPMIN', KEYS[2])[1]
  redis.call('DEL', ARGV[8] .. id)
  reply[#reply + 1] = id
end
redis.call('ZADD', KEYS[2], as_text(now + left), ARGV[1])
-- The list lives as long as the session in it that lives longest.
if redis.call('PTTL', KEYS[2]) < left then redis.call('PEXPIRE', KEYS[2], left) end
return reply
