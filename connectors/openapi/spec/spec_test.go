package spec_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// shared is where real documents are, which are not part of the project.
const shared = "../../../../shared/openapi"

func parse(t *testing.T, path string) *spec.Document {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && strings.Contains(path, "shared") && os.Getenv("CAMENA_REQUIRE_SAMPLES") != "1" {
		t.Skipf("needs the real document %s; CAMENA_REQUIRE_SAMPLES=1 forbids to skip", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// names returns the method and path of each operation by its name.
func names(d *spec.Document) map[string]string {
	all := map[string]string{}
	for _, o := range d.Operations {
		all[o.Name] = o.Method + " " + o.Path
	}
	return all
}

// actions returns the operations of each entity, by the first letter.
func actions(d *spec.Document) map[string]string {
	all := map[string]string{}
	for _, e := range d.Entities {
		can := []byte(e.Key + ":")
		for i, o := range []*spec.Operation{e.Get, e.List, e.Create, e.Update, e.Delete} {
			if o != nil {
				can = append(can, "GLCUD"[i])
			}
		}
		all[e.Name] = string(can)
	}
	return all
}

func TestOperationsHaveNames(t *testing.T) {
	t.Parallel()
	d := parse(t, "../testdata/shop.yaml")
	want := map[string]string{
		"listArticles": "GET /articles", "addArticle": "POST /articles",
		"getArticle": "GET /articles/{articleId}", "changeArticle": "PATCH /articles/{articleId}", "removeArticle": "DELETE /articles/{articleId}",
		"picture": "PUT /articles/{articleId}/picture", "readFile": "GET /files/{name}.txt", "readAgain": "GET /files/{name}.txt",
		"getDelete": "GET /delete", "search": "POST /articles/search",
	}
	if diff := cmp.Diff(names(d), want); diff != "" {
		t.Errorf("operations (-got +want):\n%s", diff)
	}
	if d.Server != "https://eu.shop.invalid/v2" {
		t.Errorf("server: %s", d.Server)
	}
	if diff := cmp.Diff(actions(d), map[string]string{"articles": "id:GLCUD"}); diff != "" {
		t.Errorf("entities (-got +want):\n%s", diff)
	}
	for _, alias := range []string{"SEARCH", "ARTICLES", "POST /articles/search"} {
		if o := d.Find(alias); o == nil || o.Name != "search" {
			t.Errorf("%s: %v", alias, o)
		}
	}
	if o := d.Find("nothing"); o != nil {
		t.Errorf("nothing: %v", o)
	}
}

// What is wrong with one operation is no other's concern.
func TestBrokenOperationsAreListed(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, u := range parse(t, "../testdata/shop.yaml").Unsupported {
		got[u.Method+" "+u.Path] = string(u.Reason.Code) + " " + u.Reason.Pointer
	}
	want := map[string]string{
		"GET /broken/parameter": "invalid /paths/~1broken~1parameter/get/parameters/0/$ref",
		"POST /broken/body":     "unsupported /paths/~1broken~1body/post/requestBody/content",
		"GET /broken/operation": "invalid /paths/~1broken~1operation/get",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestFieldsHaveTypes(t *testing.T) {
	t.Parallel()
	got := parse(t, "../testdata/shop.yaml").Entities[0].Fields
	want := []dataservice.PropertyDefinition{
		{Name: "id", Type: dataservice.TypeInteger, Key: true},
		{Name: "odd", Type: dataservice.TypeJSON, Nullable: true},
		{Name: "parent", Type: dataservice.TypeJSON},
		{Name: "price", Type: dataservice.TypeDecimal, Required: true},
		{Name: "secret", Type: dataservice.TypeString, NoOutput: true},
		{Name: "since", Type: dataservice.TypeTime},
		{Name: "tags", Type: dataservice.TypeString, MaxOccurs: -1},
		{Name: "title", Type: dataservice.TypeString, Required: true},
		{Name: "weight", Type: dataservice.TypeDouble, Nullable: true},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

// A name depends on nothing but the operation and those it could be mistaken for.
func TestNamesAreUniqueAndShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 80)
	d, err := spec.Parse([]byte(`{"openapi": "3.0.0", "paths": {
		"/a/get-x": {"get": {}}, "/b": {"get": {"operationId": "GET-X"}, "put": {"operationId": "same"}, "post": {"operationId": "same"}},
		"/c/{id}": {"get": {}}, "/c": {"get": {}}, "/` + long + `": {"get": {}}, "/{only}": {"get": {}},
		"/d e": {"get": {}}, "/e/create": {"post": {"operationId": "create"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(names(d)))
	want := []string{"GET-X_fdd5a7", "d_e", "get-x", "getByOnly", "getC", "getCById", "postB", "postECreate", "putB", long[:57] + "_0cd6e1"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] && (len(got[i]) != len(want[i]) || got[i][:len(got[i])-6] != want[i][:len(want[i])-6]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

// An operation is that of an entity only if the key says which one it is about.
func TestEntitiesAreThoseOfAKey(t *testing.T) {
	t.Parallel()
	const things = `"requestBody": {"content": {"application/json": {"schema": {"properties": {%s: {"type": "string"}}}}}}`
	withKey, without := fmt.Sprintf(things, `"id"`), fmt.Sprintf(things, `"name"`)
	d, err := spec.Parse([]byte(`{"openapi": "3.0.0", "paths": {
		"/a": {"put": {` + withKey + `}}, "/a/{aId}": {"delete": {}},
		"/b": {"put": {` + without + `}, "post": {` + without + `}}, "/b/{code}": {"delete": {}, "get": {}},
		"/x/{y}/c": {"post": {` + withKey + `}}, "/x/{y}/c/{id}": {"get": {}},
		"/d": {"get": {"parameters": [{"name": "q", "in": "query", "required": true}]}}, "/d/{id}": {"put": {` + without + `}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(actions(d), map[string]string{"a": "id:UD", "b": "code:GCD", "d": "id:U"}); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestOtherVersionsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		code             events.Code
		pointer, mention string
	}{
		`{"swagger": "2.0", "paths": {}}`: {events.CodeUnsupported, "/swagger", "2.0"},
		"swagger: 2.0\npaths: {}":         {events.CodeUnsupported, "/swagger", "2"},
		`{"openapi": "3.1.0"}`:            {events.CodeUnsupported, "/openapi", "3.1.0"},
		`{"openapi": "3.00.1"}`:           {events.CodeUnsupported, "/openapi", "3.00.1"},
		`{}`:                              {events.CodeInvalid, "/openapi", ""},
		`[]`:                              {events.CodeInvalid, "", ""},
		``:                                {events.CodeInvalid, "", ""},
		"a: [":                            {events.CodeInvalid, "", ""},
		"a: 1\na: 2":                      {events.CodeInvalid, "", ""},
	} {
		_, err := spec.Parse([]byte(text))
		if e, ok := errors.AsType[*events.Error](err); !ok || e.Code != want.code || e.Pointer != want.pointer || !strings.Contains(e.Message, want.mention) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A small document that says it is a large one costs no more than a small one.
func TestAliasesDoNotExplode(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("openapi: 3.0.0\na: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		fmt.Fprintf(&bomb, "b%d: &a%d [%s x]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 10))
	}
	for _, text := range []string{bomb.String(), "openapi: 3.0.0\na: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)} {
		if _, err := spec.Parse([]byte(text)); events.CodeOf(err) != events.CodeTooLarge {
			t.Errorf("%v", err)
		}
	}
	loop := `{"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": [{"$ref": "#/x"}]}}, "/b": {"$ref": "#/paths/~1b"}}, "x": {"$ref": "#/x"}}`
	d, err := spec.Parse([]byte(loop))
	if err != nil || len(d.Unsupported) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPetstore(t *testing.T) {
	t.Parallel()
	d := parse(t, shared+"/petstore-3.0.4.yaml")
	want := map[string]string{
		"addPet": "POST /pet", "updatePet": "PUT /pet", "findByStatus": "GET /pet/findByStatus", "findByTags": "GET /pet/findByTags",
		"getPetById": "GET /pet/{petId}", "updatePetWithForm": "POST /pet/{petId}", "deletePet": "DELETE /pet/{petId}",
		"uploadImage": "POST /pet/{petId}/uploadImage", "inventory": "GET /store/inventory", "placeOrder": "POST /store/order",
		"getOrderById": "GET /store/order/{orderId}", "deleteOrder": "DELETE /store/order/{orderId}", "createUser": "POST /user",
		"createWithList": "POST /user/createWithList", "login": "GET /user/login", "logout": "GET /user/logout",
		"getUserByName": "GET /user/{username}", "updateUser": "PUT /user/{username}", "deleteUser": "DELETE /user/{username}",
	}
	if diff := cmp.Diff(names(d), want); diff != "" {
		t.Errorf("operations (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(actions(d), map[string]string{"pet": "id:GCUD", "order": "id:GCD", "user": "username:GCUD"}); diff != "" {
		t.Errorf("entities (-got +want):\n%s", diff)
	}
	if o := d.Find("findPetsByStatus"); o == nil || o.Name != "findByStatus" {
		t.Errorf("findPetsByStatus: %v", o)
	}
}

// Real documents load, and most of each works.
func TestRealDocuments(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(shared + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 && os.Getenv("CAMENA_REQUIRE_SAMPLES") != "1" {
		t.Skipf("needs the real documents in %s; CAMENA_REQUIRE_SAMPLES=1 forbids to skip", shared)
	}
	if len(paths) == 0 {
		t.Fatalf("there are no real documents in %s", shared)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".md") || strings.HasSuffix(path, "not-3.0") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			d := parse(t, path)
			t.Logf("%d operations, %d unsupported, %d entities", len(d.Operations), len(d.Unsupported), len(d.Entities))
			if len(names(d)) != len(d.Operations) || len(d.Operations) == 0 {
				t.Errorf("%d names for %d operations", len(names(d)), len(d.Operations))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("../testdata/shop.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"openapi": "3.0.0", "paths": {"/a/{b}": {"get": {"parameters": [{"$ref": "#/x/0"}]}}}, "x": [{"name": "b", "in": "path"}]}`))
	f.Add([]byte("openapi: 3.0.0\nx: &x {y: *x}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := spec.Parse(data)
		if err != nil {
			if events.CodeOf(err) == "" {
				t.Errorf("an error without a code: %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, o := range d.Operations {
			if o.Name == "" || len(o.Name) > 64 || seen[strings.ToLower(o.Name)] {
				t.Errorf("the name %q is empty, too long, or given twice", o.Name)
			}
			seen[strings.ToLower(o.Name)] = true
		}
	})
}
