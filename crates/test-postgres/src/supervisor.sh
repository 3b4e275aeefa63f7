# Holds one PostgreSQL for a test process, which writes words to our input. The end of the input
# means that the process is gone, however it went: then the server and its folder go too.
# Arguments: the folder to remove, the file for the server's words, the server's command.
folder=$1
words=$2
shift 2
server=

# At once (QUIT: no checkpoint), also when a test has stopped it.
end() {
    [ -n "$server" ] || return 0
    kill -CONT "$server" 2>/dev/null
    kill -QUIT "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

while read -r word; do
    case $word in
        start)
            "$@" </dev/null >>"$words" 2>&1 &
            server=$!
            echo "$server"
            ;;
        wait)
            wait "$server" 2>/dev/null
            echo "$?"
            server=
            ;;
        *)
            kill -s "$word" "$server" 2>/dev/null
            echo "$?"
            ;;
    esac
done
end
# The children of a server that was killed do not see it at once, and may still write here.
tries=0
while ! rm -rf "$folder" 2>/dev/null && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
