# Two images that differ only in where the binary comes from:
#
#   docker build -t camena:local .                     builds it from this source
#   docker build -t camena:local --target prebuilt .   takes ./camena of the context,
#                                                      built with CGO_ENABLED=0
#
# Builders without BuildKit run every stage up to the wanted one, so "prebuilt"
# stands before the stage that needs a base image, and survives a context
# without ./camena: a pattern may match nothing, a plain name may not.

ARG GO_IMAGE=golang:1.26

# The home is where the embedded server keeps ./camena-data.
FROM scratch AS home
WORKDIR /home/camena

FROM scratch AS image
COPY --from=home --chown=65532:65532 /home /home
USER 65532:65532
WORKDIR /home/camena
ENTRYPOINT ["/camena"]
CMD ["serve"]

FROM image AS prebuilt
COPY LICENS[E] camen[a] /

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The time zones of schedules are linked in: the image has no zone files.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags="-s -w" -o /out/camena ./cmd/camena

FROM image
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/LICENSE /out/camena /
