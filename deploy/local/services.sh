#!/usr/bin/env bash
# Build what the integration tests and `vitals up --kafka local` need, into .tools/ (or VITALS_TOOLS): Apache Kafka by Maven,
# InfluxDB by Go; and Chromium, Mosquitto and kcat by apt-get where that is allowed. What is there already is left as it is.
#
# Usage: services.sh [kafka] [influxdb] [chromium] [mosquitto] [kcat]      (none: all)
#
# What cannot be had is named at the end, with how to get it. That is exit 1 with VITALS_REQUIRE_SERVICES=1, else 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=deploy/local
tools=${VITALS_TOOLS:-$PWD/.tools}
required=${VITALS_REQUIRE_SERVICES:-0}
left_out=()

have() { type -P "$1" >/dev/null; }  # never a function of that name here

# Run a build with its output kept in a log, which is named when it fails.
quietly() {
    local log=$1; shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 || { tail -n 5 "$log" >&2; return 1; }
}

kafka() {
    local built=$tools/kafka
    cmp -s $here/kafka/pom.xml "$built/pom.xml" && have java && return
    have java && have mvn || {
        left_out+=("Apache Kafka: install Java 17 or newer and Maven (Debian: apt-get install default-jdk-headless maven)")
        return
    }
    echo "services: fetching Apache Kafka with Maven"
    rm -rf "$built"
    if quietly "$built/build.log" mvn -B -ntp -f $here/kafka/pom.xml dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$built/libs"; then
        cp $here/kafka/pom.xml "$built/pom.xml"
    else
        left_out+=("Apache Kafka: Maven failed, see $built/build.log")
    fi
}

influxdb() {
    local built=$tools/influxdb
    cmp -s $here/influxdb/go.mod "$built/go.mod" && [ -x "$tools/influxd" ] && return
    have go || {
        left_out+=("InfluxDB: install Go 1.24 or newer")
        return
    }
    local version
    version=$(sed -n 's|.*github.com/influxdata/influxdb v\([0-9.]*\).*|\1|p' $here/influxdb/go.mod)
    echo "services: building InfluxDB $version with Go"
    if CGO_ENABLED=0 quietly "$built/build.log" go build -C $here/influxdb -trimpath -buildvcs=false \
        -ldflags "-s -w -X main.version=$version" -o "$tools/influxd" github.com/influxdata/influxdb/cmd/influxd; then
        cp $here/influxdb/go.mod "$built/go.mod"
    else
        left_out+=("InfluxDB: Go failed, see $built/build.log")
    fi
}

# Install a Debian package's program with apt-get where we may, or say what is left out: debian PROGRAM FOR PACKAGE...
debian() {
    local program=$1 for=$2; shift 2
    PATH=$PATH:/usr/sbin have "$program" && return
    if [ "$required" = 1 ] && [ "$(id -u)" = 0 ] && have apt-get; then
        echo "services: installing $program with apt-get"
        quietly "$tools/$program.log" apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive quietly "$tools/$program.log" \
                apt-get install -y --no-install-recommends "$@" && return
    fi
    left_out+=("$program ($for): install it (Debian: apt-get install $*)")
}

chromium() { debian chromium "for the browser test" chromium fonts-dejavu-core; }
mosquitto() { debian mosquitto_pub "for the tests of the MQTT bridge" mosquitto mosquitto-clients; }
kcat() { debian kcat "for the test of the examples" kcat; }

[ $# -gt 0 ] || set -- kafka influxdb chromium mosquitto kcat
for service in "$@"; do
    case $service in
        kafka | influxdb | chromium | mosquitto | kcat) "$service" ;;
        *) echo "services: no such service: $service (kafka, influxdb, chromium, mosquitto or kcat)" >&2; exit 2 ;;
    esac
done

[ ${#left_out[@]} -gt 0 ] || exit 0
echo "services: left out, with the tests that need them:" >&2
printf '  - %s\n' "${left_out[@]}" >&2
[ "$required" != 1 ]
