import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/**
 * Java's HttpClient as it comes, which offers HTTP/2.
 *
 * Arguments: per request a URL, the body's file, and the size of its JSON or "". Prints per answer status, the size of
 * its JSON or "-", and the body in base64.
 */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < arguments.length; i += 3) {
            byte[] body = Files.readAllBytes(Path.of(arguments[i + 1]));
            BodyPublisher whole = BodyPublishers.ofByteArray(body);
            BodyPublisher compressed = BodyPublishers.ofByteArray(compress(body));
            BodyPublisher chunked = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body));
            for (BodyPublisher publisher : List.of(whole, compressed, chunked)) {
                for (boolean expects : new boolean[] {false, true}) {
                    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(arguments[i]));
                    if (!arguments[i + 2].isEmpty()) {
                        request.header("Inference-Header-Content-Length", arguments[i + 2]);
                    }
                    if (publisher == compressed) {
                        request.header("Content-Encoding", "gzip");
                    }
                    HttpResponse<byte[]> response =
                        client.send(request.expectContinue(expects).POST(publisher).build(), BodyHandlers.ofByteArray());
                    String size = response.headers().firstValue("Inference-Header-Content-Length").orElse("-");
                    String answer = Base64.getEncoder().encodeToString(response.body());
                    System.out.println(response.statusCode() + " " + size + " " + answer);
                }
            }
        }
    }

    private static byte[] compress(byte[] body) throws Exception {
        ByteArrayOutputStream found = new ByteArrayOutputStream();
        try (GZIPOutputStream stream = new GZIPOutputStream(found)) {
            stream.write(body);
        }
        return found.toByteArray();
    }
}
