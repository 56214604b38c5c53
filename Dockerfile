# Swift's libraries are linked dynamically, because a statically linked Foundation has no time zones and calendars (checked with Swift
# 6.3.1: TimeZone(identifier:) returns nil).
ARG SWIFT=6.3-bookworm

FROM swift:${SWIFT} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libhiredis-dev libpq-dev libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /redeem
# Only the sources of `redeem` are copied. This tells Package.swift to leave out all other targets.
ENV REDEEM_PROGRAM_ONLY=1
# The dependencies come first, so that a change of a source file does not fetch them again.
COPY Package.* ./
RUN swift package resolve
COPY lua lua
COPY bench/load bench/load
COPY Sources Sources
COPY scripts/build-release scripts/
RUN scripts/build-release --product redeem
# The program finds the libraries of Swift at this path. Only those that it needs are copied, because all of them would be twice as much.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN program=$(swift build -c release --show-bin-path)/redeem \
    && install -D --strip "$program" /out/usr/local/bin/redeem \
    && mkdir -p /out/usr/lib/swift/linux \
    && ldd "$program" | sed -n 's|.* => \(/usr/lib/swift/linux/[^ ]*\) .*|\1|p' \
        | xargs install --strip --mode=644 --target-directory=/out/usr/lib/swift/linux

FROM debian:bookworm-slim
# The version in Sources/Domain/Version.swift.
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Redeem" \
    org.opencontainers.image.description="Coupon redemption service for flash sales" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libhiredis0.14 libpq5 libssl3 libstdc++6 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin redeem \
    # docker-compose.yml puts a volume here, which takes over the owner.
    && install -d -o redeem -g redeem /rights
COPY --from=build /out /
# This ends the build if a library is missing, or if the label has another version than the program.
RUN test "$(redeem --version)" = "${VERSION}"
USER 10001:10001
EXPOSE 8080 9090
# The check is for `redeem serve`. The other commands have no port to ask.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=5 CMD ["redeem", "health", "--url", "http://127.0.0.1:9090"]
ENTRYPOINT ["redeem"]
CMD ["--help"]
