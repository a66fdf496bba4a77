package spi

import (
	"net/url"
	"strings"

	"github.com/camena-io/camena/events"
)

// Address returns the address that a configuration gives. One without a scheme is
// put after the base, whose path stays: this is no resolution of references.
func Address(base, given string) (string, error) {
	address := given
	if !strings.Contains(given, "://") {
		address = strings.TrimRight(base, "/") + "/" + strings.TrimLeft(given, "/")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", events.Errorf(events.CodeInvalid, "", "not an address of http or https")
	}
	return address, nil
}
