package events_test

import (
	"testing"

	"github.com/camena-io/camena/events"
)

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"displayName":"a","clearPassword":"x"}`:                               `{"displayName":"a","clearPassword":"***"}`,
		`{"clearPassword":null,"encryptedPassword":12}`:                         `{"clearPassword":null,"encryptedPassword":"***"}`,
		`{"securedProperties":{"user":"a","deep":{"b":["c",1,true]}}}`:          `{"securedProperties":{"user":"***","deep":{"b":["***","***",true]}}}`,
		`[{"configurationProperties":{"dbPassword":"x","host":"h"}}]`:           `[{"configurationProperties":{"dbPassword":"***","host":"h"}}]`,
		`{"configurationProperties":{"password":"env:PW","api_key":"file:/k"}}`: `{"configurationProperties":{"password":"env:PW","api_key":"file:/k"}}`,
		`{"name":"clearPassword","type":"string"}`:                              `{"name":"clearPassword","type":"string"}`,
		`{"clear\u0050assword":"x"}`:                                            `{"clearPassword":"***"}`,
		`{"url":"see postgres://u:p%2Fw@h/db or http://u@h:80/x"}`:              `{"url":"see postgres://u:***@h/db or http://u@h:80/x"}`,
		`[{"token":["x",{"user":1}]},[["y"]],{"a":{"token":"x"},"b":"z"}]`:      `[{"token":["***",{"user":"***"}]},[["y"]],{"a":{"token":"***"},"b":"z"}]`,
		`"a"`: `"a"`,
	} {
		if got, err := events.MaskSecrets([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `{`, `{"clearPassword":"x"`, `{} {}`, `{"a":}`, `[1,`} {
		if got, err := events.MaskSecrets([]byte(in)); err == nil {
			t.Errorf("%s: got %s", in, got)
		}
	}
}
