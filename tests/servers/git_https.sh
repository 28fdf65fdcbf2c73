#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# git_https.sh DIR ROOT: git http-backend behind nginx, over TLS, for the repositories below ROOT.
# Certificates, configuration and logs go to DIR: ca.pem is the authority of the server, other.pem
# one that did not sign. Folders of ROOT that are named private-* want the user "anna", password
# "p@ss". Prints the port.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
dir=$(realpath "$1") root=$(realpath "$2")
need nginx nginx-light fcgiwrap fcgiwrap openssl openssl git git
trap stop_all EXIT

authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$2" -keyout "$dir/$1.key" \
        -out "$dir/$1.pem" 2>/dev/null
}

certificate() {
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$dir/server.key" \
        -out "$dir/server.csr" 2>/dev/null
    openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 2 \
        -set_serial 1 -out "$dir/server.pem" \
        -extfile <(echo 'subjectAltName=DNS:localhost') 2>/dev/null
}

configuration() {
    cat <<END
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events {}
http {
    access_log $dir/access.log;
    client_body_temp_path $dir/body;
    fastcgi_temp_path $dir/fastcgi;
    proxy_temp_path $dir/proxy;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:$1 ssl;
        ssl_certificate $dir/server.pem;
        ssl_certificate_key $dir/server.key;
        location ~ ^/private- {
            auth_basic git;
            auth_basic_user_file $dir/users;
            include $dir/git.conf;
        }
        location / {
            include $dir/git.conf;
        }
    }
}
END
}

authority ca "the right authority"
authority other "another authority"
certificate
printf 'anna:%s\n' "$(openssl passwd -apr1 'p@ss')" > "$dir/users"
cat > "$dir/git.conf" <<END
fastcgi_pass unix:$dir/cgi.sock;
fastcgi_param SCRIPT_FILENAME $(git --exec-path)/git-http-backend;
fastcgi_param GIT_PROJECT_ROOT $root;
fastcgi_param GIT_HTTP_EXPORT_ALL 1;
fastcgi_param PATH_INFO \$uri;
fastcgi_param QUERY_STRING \$query_string;
fastcgi_param REQUEST_METHOD \$request_method;
fastcgi_param CONTENT_TYPE \$content_type;
fastcgi_param REMOTE_USER \$remote_user;
END

rm -f "$dir/cgi.sock"
fcgiwrap -s "unix:$dir/cgi.sock" -c 2 </dev/null >"$dir/cgi.log" 2>&1 &
pids+=($!)
for _ in $(seq 20); do
    port=$(some_port)
    configuration "$port" > "$dir/nginx.conf"
    nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" </dev/null >"$dir/nginx.log" 2>&1 &
    pids+=($!)
    if answers "$port"; then
        serve_until_end "$port"
        exit 0
    fi
    unset 'pids[-1]'
done
cat "$dir/nginx.log" "$dir/error.log" >&2
exit 1
