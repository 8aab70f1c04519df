-- Appends an event to the log KEYS[1], unless KEYS[2] remembers that it was appended.
-- ARGV: an epoch for a new log, topic, event, the length to trim to or '', the age to trim to in milliseconds or '', how long KEYS[2]
-- remembers in milliseconds.
-- Returns the epoch and the id of the entry.
if KEYS[2] then
    local known = redis.call('GET', KEYS[2])
    if known then
        -- A write, so that a WAIT after it also waits for the append.
        redis.call('PEXPIRE', KEYS[2], ARGV[6])
        local epoch, id = known:match('^(.-)%.(.+)$')
        return {epoch, id}
    end
end
-- All truth is in the stream itself: another key could be evicted alone.
local function last()
    local previous = ''
    -- Several only if something else has written the last one.
    for _, count in ipairs({1, 16}) do
        for number, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', count)) do
            local id, fields = entry[1], entry[2]
            if number == 1 then
                previous = id
            end
            for at = 1, #fields, 2 do
                if fields[at] == 'e' then
                    return previous, fields[at + 1]
                end
            end
        end
    end
    return previous, ARGV[1]
end
local previous, epoch = last()
local id
if ARGV[4] == '' then
    id = redis.call('XADD', KEYS[1], '*', 'e', epoch, 'p', previous, 't', ARGV[2], 'd', ARGV[3])
else
    id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'e', epoch, 'p', previous, 't', ARGV[2], 'd', ARGV[3])
end
if ARGV[5] ~= '' then
    local oldest = tonumber(id:match('^%d+')) - tonumber(ARGV[5])
    redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(oldest, 0)))
end
if KEYS[2] then
    redis.call('SET', KEYS[2], epoch .. '.' .. id, 'PX', ARGV[6])
end
return {epoch, id}
