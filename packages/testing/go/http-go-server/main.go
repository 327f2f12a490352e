// An HTTP/1.1 server, on Go's net/http or on fasthttp, for packages/http to be tested and measured with.
//
//	http-go-server [-server net/http|fasthttp] [-port N] [-certificate FILE -key FILE]
//
// Prints its address once it listens. Paths: /size answers the length of the request's body, /echo the
// body, /chunked the body in chunks of 1,000 bytes with a trailer (net/http), /close the body and closes
// the connection, anything else 404.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"
)

func answerHTTP(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	switch request.URL.Path {
	case "/size":
		fmt.Fprint(response, len(body))
	case "/echo":
		response.Write(body)
	case "/chunked":
		response.Header().Set("Trailer", "X-Size")
		for at := 0; at < len(body); at += 1000 {
			response.Write(body[at:min(at+1000, len(body))])
			response.(http.Flusher).Flush()
		}
		response.Header().Set("X-Size", strconv.Itoa(len(body)))
	case "/close":
		response.Header().Set("Connection", "close")
		response.Write(body)
	default:
		http.NotFound(response, request)
	}
}

func answerFast(request *fasthttp.RequestCtx) {
	body := request.PostBody()
	switch string(request.Path()) {
	case "/size":
		request.Response.AppendBody(strconv.AppendInt(nil, int64(len(body)), 10))
	case "/echo":
		request.Response.AppendBody(body)
	case "/close":
		request.SetConnectionClose()
		request.Response.AppendBody(body)
	default:
		request.NotFound()
	}
}

func min(a int, b int) int {
	if a < b {
		return a
	}
	return b
}

func main() {
	server := flag.String("server", "net/http", "what answers")
	port := flag.Int("port", 0, "port of 127.0.0.1; 0 for a free one")
	certificate := flag.String("certificate", "", "PEM file, for TLS")
	key := flag.String("key", "", "PEM file of the certificate's key")
	flag.Parse()

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	if *server == "fasthttp" {
		fast := &fasthttp.Server{
			Handler:                      answerFast,
			MaxRequestBodySize:           64 << 20,
			DisablePreParseMultipartForm: true,
			NoDefaultDate:                true,
			NoDefaultServerHeader:        true,
		}
		log.Fatal(fast.Serve(listener))
	}
	log.Fatal((&http.Server{Handler: http.HandlerFunc(answerHTTP)}).Serve(listener))
}
